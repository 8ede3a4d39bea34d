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
class FaultyServer:
    """Content and faults of the server.

    Attributes:
        content: bytes by path.
        cuts: lengths at which the next responses are cut off, one per response.
        statuses: status codes of the next responses, one per response; then 200 or 206.
        tag: ETag of every file; empty sends none.
        announced: X-Linked-Etag, as sent by the hub; empty sends none.
        ranges: whether Range is honoured.
        extra_length: bytes added to the true Content-Length.
        delay: seconds before the first byte.
        requests: (path, Range header) of every request.
        address: address of the running server.
    """

    content: dict[str, bytes]
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    tag: str = '"version-1"'
    announced: str = ""
    ranges: bool = True
    extra_length: int = 0
    delay: float = 0.0
    requests: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(config: FaultyServer) -> Iterator[FaultyServer]:
    """Serve the content on a free local port and set ``address``."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            # Some tests close the connection early.
            with suppress(BrokenPipeError, ConnectionResetError):
                super().handle()

        def do_GET(self) -> None:
            requested = self.headers.get("Range", "")
            config.requests.append((self.path, requested))
            time.sleep(config.delay)
            status = config.statuses.pop(0) if config.statuses else 0
            if status >= 400 or self.path not in config.content:
                self.send_error(status or 404)
                return
            content = config.content[self.path]
            condition = self.headers.get("If-Range", config.tag)
            start = int(requested[6:-1]) if requested and config.ranges and condition == config.tag else 0
            if start and start >= len(content):
                self.send_error(416)
                return
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) + config.extra_length))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if config.tag:
                self.send_header("ETag", config.tag)
            if config.announced:
                self.send_header("X-Linked-Etag", f'"{config.announced}"')
            self.end_headers()
            self.wfile.write(body[: config.cuts.pop(0)] if config.cuts else body)
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    config.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield config
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
