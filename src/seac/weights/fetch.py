"""Fetching one file: resumed where it broke off, checked before it gets its name.

Bytes go to ``FILE.part``; beside it ``FILE.part.tag`` keeps the server's version tag, so that a download is
only continued from the same version. The file gets its own name when its length and digest are right: what is
found under that name is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from seac._version import __version__
from seac.core.errors import InputError

BLOCK = 1 << 20
HEX = frozenset("0123456789abcdef")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout: seconds without a byte after which a connection counts as dead.
        attempts: connections in a row that may bring nothing before giving up.
        pause: seconds before the second attempt; doubles with each.
    """

    timeout: float = 30.0
    attempts: int = 5
    pause: float = 1.0


class FetchError(Exception):
    """A download failed for good; the message says why, in a few words."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects and keeps the digest that the hub announces on the first answer."""

    def __init__(self) -> None:
        self.announced = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.announced = self.announced or _digest_in(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _digest_in(headers: Any) -> str:
    """The SHA-256 that the hub names in ``X-Linked-Etag``, or nothing."""
    tag = str(headers.get("X-Linked-Etag", "")).strip('W/"').lower()
    return tag if len(tag) == 64 and set(tag) <= HEX else ""


@dataclass(frozen=True)
class _Answer:
    """What a server said before the bytes: from where they start, how many there are, version, digest."""

    start: int
    total: int
    tag: str
    announced: str


class Fetch:
    """One download, from the first byte to the file's own name.

    Args:
        url: http or https address.
        target: the file to make.
        sha256: expected digest, or its beginning; empty if unknown.
        size: expected length in bytes; 0 if unknown.
        patience: how long to wait.
        progress: called with bytes so far and bytes in all (0 if unknown).
    """

    def __init__(
        self,
        url: str,
        target: Path,
        sha256: str = "",
        size: int = 0,
        patience: Patience | None = None,
        progress: Progress | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError(f"{url} is not an address: a mirror starts with http:// or https://")
        self.url = url
        self.target = target
        self.sha256 = sha256.lower()
        self.size = size
        self.patience = patience or Patience()
        self.progress = progress or (lambda done, total: None)
        self.part = target.with_name(target.name + ".part")
        self.tag = target.with_name(target.name + ".part.tag")

    def run(self) -> str:
        """Fetch the file; returns its SHA-256.

        Raises:
            FetchError: it cannot be had, or what came is not what was expected.
        """
        self.target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.target.with_name(self.target.name + ".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise FetchError("another process is fetching it: wait for that one") from error
        try:
            return self._run()
        finally:
            lock.release()

    def _run(self) -> str:
        announced, idle = "", 0
        while True:
            before = self._have()
            try:
                complete, digest = self._continue()
                announced = digest or announced
                if complete:
                    break
                reason = "the connection was cut"
            except urllib.error.HTTPError as error:
                reason = f"the server says {error.code} {error.reason}"
                if error.code not in (408, 425, 429, 500, 502, 503, 504):
                    raise FetchError(reason) from error
            except (OSError, http.client.HTTPException) as error:
                reason = f"no answer ({getattr(error, 'reason', None) or error or type(error).__name__})"
            idle = 0 if self._have() > before else idle + 1
            if idle >= self.patience.attempts:
                raise FetchError(f"{reason}, {idle} times in a row")
            time.sleep(self.patience.pause * 2 ** max(0, idle - 1) if idle else 0)
        return self._accept(announced)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _continue(self) -> tuple[bool, str]:
        """One connection: whether the file is complete now, and the digest that the server announced."""
        with self._open() as (response, answer):
            if answer is None:
                return True, ""
            if answer.start == 0:
                self.tag.write_text(answer.tag)
            self._room(answer.total - answer.start)
            complete = False
            with self.part.open("r+b" if answer.start else "wb") as file:
                file.seek(answer.start)
                # What came before a connection broke can be continued, so it is kept.
                with contextlib.suppress(http.client.IncompleteRead, ConnectionError, TimeoutError):
                    while block := response.read1(BLOCK):
                        file.write(block)
                        self.progress(file.tell(), answer.total)
                    complete = True
                file.truncate()
            return complete and self._have() >= answer.total, answer.announced

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[Any, _Answer | None]]:
        """Ask for what is missing; None stands for a part that the server says is already whole."""
        have, tag = self._have(), self.tag.read_text() if self.tag.exists() else ""
        if not tag and not self.sha256:
            # Nothing would tell whether the rest belongs to the same version.
            have = 0
        headers = {"User-Agent": f"seac/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": tag} if tag else {})
        redirects = _Redirects()
        opener = urllib.request.build_opener(redirects)
        try:
            response = opener.open(
                urllib.request.Request(self.url, headers=headers), timeout=self.patience.timeout
            )
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            # Nothing follows what we have: it is whole, or it is longer than it should be, which the length
            # and the digest will tell.
            yield None, None
            return
        with response:
            yield response, self._answer(response, have, redirects.announced)

    @staticmethod
    def _answer(response: Any, have: int, announced: str) -> _Answer:
        headers = response.headers
        announced = announced or _digest_in(headers)
        length = int(headers.get("Content-Length") or 0)
        tag = headers.get("ETag") or headers.get("Last-Modified") or ""
        if response.status != 206:
            return _Answer(0, length, "" if tag.startswith("W/") else tag, announced)
        span = str(headers.get("Content-Range", ""))
        start = span.removeprefix("bytes ").split("-")[0]
        if not start.isdigit() or int(start) > have:
            raise FetchError(f"the server answered with another range than asked for ({span or 'none'})")
        return _Answer(int(start), int(start) + length, tag, announced)

    def _room(self, missing: int) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if missing > free:
            raise FetchError(
                f"it needs {missing / 1e9:.1f} GB more and the disk has {free / 1e9:.1f} GB free"
            )

    def _accept(self, announced: str) -> str:
        """Give the part its name, if it is what was expected."""
        length, found = self._have(), digest_of(self.part)
        expected = self.sha256 or announced
        reason = ""
        if not length:
            reason = "the server sent an empty file"
        elif self.size and length != self.size:
            reason = f"it has {length} bytes instead of {self.size}"
        elif expected and not found.startswith(expected):
            reason = f"its sha256 is {found[:12]}... instead of {expected[:12]}..."
        self.tag.unlink(missing_ok=True)
        if reason:
            self.part.unlink(missing_ok=True)
            raise FetchError(f"{reason}; it was thrown away")
        self.part.replace(self.target)
        return found
