"""A local web server that fails in chosen ways."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Shelf:
    """What the server offers and how it behaves.

    Attributes:
        content: the bytes of every path.
        cuts: lengths at which the next answers are cut off; one per answer, then none.
        statuses: codes of the next answers; one per answer, then 200 or 206.
        tag: ETag of every file; empty sends none.
        announced: X-Linked-Etag, as the hub sends it; empty sends none.
        ranges: whether Range is honoured.
        claimed: length that is claimed on top of the true one.
        delay: seconds before the first byte.
        asked: (path, Range header) of every request.
    """

    content: dict[str, bytes]
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    tag: str = '"version-1"'
    announced: str = ""
    ranges: bool = True
    claimed: int = 0
    delay: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(shelf: Shelf) -> Iterator[Shelf]:
    """Serve a shelf on a free local port; its ``address`` is set."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            # A client that gives up, as some tests have it, is no fault of the server's.
            with suppress(BrokenPipeError, ConnectionResetError):
                super().handle()

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            shelf.asked.append((self.path, wanted))
            time.sleep(shelf.delay)
            status = shelf.statuses.pop(0) if shelf.statuses else 0
            if status >= 400 or self.path not in shelf.content:
                self.send_error(status or 404)
                return
            whole = shelf.content[self.path]
            condition = self.headers.get("If-Range", shelf.tag)
            start = int(wanted[6:-1]) if wanted and shelf.ranges and condition == shelf.tag else 0
            if start and start >= len(whole):
                self.send_error(416)
                return
            body = whole[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) + shelf.claimed))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
            if shelf.tag:
                self.send_header("ETag", shelf.tag)
            if shelf.announced:
                self.send_header("X-Linked-Etag", f'"{shelf.announced}"')
            self.end_headers()
            self.wfile.write(body[: shelf.cuts.pop(0)] if shelf.cuts else body)
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    shelf.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
