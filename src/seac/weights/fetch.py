"""Downloads one file: resumes an interrupted download and verifies the file before it gets its final name.

Bytes go to ``FILE.part``. ``FILE.part.tag`` stores the server's version tag, so that a download resumes only
from the same version. The file is renamed to its final name once its length and digest match, so a file under
that name is always complete.
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
class RetryPolicy:
    """Timeout and retries of a download.

    Attributes:
        timeout: seconds without a byte after which a connection counts as dead.
        attempts: consecutive connections without progress after which the download fails.
        pause: seconds before the second attempt; doubled for each further attempt.
    """

    timeout: float = 30.0
    attempts: int = 5
    pause: float = 1.0


class FetchError(Exception):
    """A download failed permanently; the message is the short reason."""


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects and stores the digest that the hub sends with the first response."""

    def __init__(self) -> None:
        self.announced = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.announced = self.announced or _digest_in(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _digest_in(headers: Any) -> str:
    """Return the SHA-256 in the hub's ``X-Linked-Etag`` header, or an empty string."""
    tag = str(headers.get("X-Linked-Etag", "")).strip('W/"').lower()
    return tag if len(tag) == 64 and set(tag) <= HEX else ""


@dataclass(frozen=True)
class _ResponseInfo:
    """Header information of a response: first byte, total length, version tag, announced digest."""

    start: int
    total: int
    tag: str
    announced: str


class Fetch:
    """Download of one file.

    Args:
        url: http or https address.
        target: path of the file.
        sha256: expected digest, or its first digits; empty if unknown.
        size: expected length in bytes; 0 if unknown.
        retry_policy: timeout and retries.
        progress: called with the bytes received and the total (0 if unknown).

    Raises:
        InputError: ``url`` is not an http or https address.
    """

    def __init__(
        self,
        url: str,
        target: Path,
        sha256: str = "",
        size: int = 0,
        retry_policy: RetryPolicy | None = None,
        progress: Progress | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError(f"{url} is not an address: a mirror starts with http:// or https://")
        self.url = url
        self.target = target
        self.sha256 = sha256.lower()
        self.size = size
        self.retry_policy = retry_policy or RetryPolicy()
        self.progress = progress or (lambda done, total: None)
        self.part = target.with_name(target.name + ".part")
        self.tag = target.with_name(target.name + ".part.tag")

    def run(self) -> str:
        """Download the file and return its SHA-256.

        Raises:
            FetchError: the download fails, or the file does not have the expected length or digest.
        """
        self.target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.target.with_name(self.target.name + ".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise FetchError("another process is downloading it: wait for that process") from error
        try:
            return self._run()
        finally:
            lock.release()

    def _run(self) -> str:
        announced, idle = "", 0
        while True:
            before = self._received_bytes()
            try:
                complete, digest = self._resume()
                announced = digest or announced
                if complete:
                    break
                reason = "the connection was cut"
            except urllib.error.HTTPError as error:
                reason = f"the server returned {error.code} {error.reason}"
                if error.code not in (408, 425, 429, 500, 502, 503, 504):
                    raise FetchError(reason) from error
            except (OSError, http.client.HTTPException) as error:
                reason = f"no answer ({getattr(error, 'reason', None) or error or type(error).__name__})"
            idle = 0 if self._received_bytes() > before else idle + 1
            if idle >= self.retry_policy.attempts:
                raise FetchError(f"{reason}, {idle} times in a row")
            time.sleep(self.retry_policy.pause * 2 ** max(0, idle - 1) if idle else 0)
        return self._accept(announced)

    def _received_bytes(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _resume(self) -> tuple[bool, str]:
        """Run one connection; return whether the file is complete, and the announced digest."""
        with self._open() as (response, info):
            if info is None:
                return True, ""
            if info.start == 0:
                self.tag.write_text(info.tag)
            self._check_disk_space(info.total - info.start)
            complete = False
            with self.part.open("r+b" if info.start else "wb") as file:
                file.seek(info.start)
                # Bytes received before a connection broke are kept, so that the download can resume.
                with contextlib.suppress(http.client.IncompleteRead, ConnectionError, TimeoutError):
                    while block := response.read1(BLOCK):
                        file.write(block)
                        self.progress(file.tell(), info.total)
                    complete = True
                file.truncate()
            return complete and self._received_bytes() >= info.total, info.announced

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[Any, _ResponseInfo | None]]:
        """Request the missing bytes; the info is None if the server reports that none are missing."""
        received, tag = self._received_bytes(), self.tag.read_text() if self.tag.exists() else ""
        if not tag and not self.sha256:
            # Without tag and digest, a mixture of two versions would go undetected.
            received = 0
        headers = {"User-Agent": f"seac/{__version__}", "Accept-Encoding": "identity"}
        if received:
            headers |= {"Range": f"bytes={received}-"} | ({"If-Range": tag} if tag else {})
        redirects = _Redirects()
        opener = urllib.request.build_opener(redirects)
        try:
            response = opener.open(
                urllib.request.Request(self.url, headers=headers), timeout=self.retry_policy.timeout
            )
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            # 416: no bytes follow the received ones. The file is complete or too long; length and digest are
            # checked afterwards.
            yield None, None
            return
        with response:
            yield response, self._read_headers(response, received, redirects.announced)

    @staticmethod
    def _read_headers(response: Any, received: int, announced: str) -> _ResponseInfo:
        headers = response.headers
        announced = announced or _digest_in(headers)
        length = int(headers.get("Content-Length") or 0)
        tag = headers.get("ETag") or headers.get("Last-Modified") or ""
        if response.status != 206:
            return _ResponseInfo(0, length, "" if tag.startswith("W/") else tag, announced)
        span = str(headers.get("Content-Range", ""))
        start = span.removeprefix("bytes ").split("-")[0]
        if not start.isdigit() or int(start) > received:
            raise FetchError(f"the server returned a range that was not requested ({span or 'none'})")
        return _ResponseInfo(int(start), int(start) + length, tag, announced)

    def _check_disk_space(self, missing: int) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if missing > free:
            raise FetchError(
                f"it needs {missing / 1e9:.1f} GB more and the disk has {free / 1e9:.1f} GB free"
            )

    def _accept(self, announced: str) -> str:
        """Verify the partial file and rename it to its final name; return its SHA-256."""
        length, digest = self._received_bytes(), compute_sha256(self.part)
        expected = self.sha256 or announced
        reason = ""
        if not length:
            reason = "the server sent an empty file"
        elif self.size and length != self.size:
            reason = f"it has {length} bytes instead of {self.size}"
        elif expected and not digest.startswith(expected):
            reason = f"its sha256 is {digest[:12]}... instead of {expected[:12]}..."
        self.tag.unlink(missing_ok=True)
        if reason:
            self.part.unlink(missing_ok=True)
            raise FetchError(f"{reason}; it was deleted")
        self.part.replace(self.target)
        return digest
