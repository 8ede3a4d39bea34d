"""ASGI middleware around all routes: token, origin, size and time of requests, headers of answers."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seac.serve.http.errors import TEXTS, error_answer

OPEN_PATHS = ("/v1/health", "/label-studio/health", "/label-studio/")
"""Paths without a token: a load balancer asks them."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS: dict[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FORM_BYTES = 64 * 1024
"""Bytes of a request beside its file."""


class TokenGuard:
    """Answers 401 to requests without the bearer token; the comparison takes the same time for every token.

    Args:
        app: what is guarded.
        token: the token.
        open_paths: paths without a token.
    """

    def __init__(self, app: ASGIApp, token: str, open_paths: Iterable[str] = OPEN_PATHS) -> None:
        self._app, self._token, self._open = app, token.encode(), frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in self._open or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        answer = error_answer(401, TEXTS[401], {"WWW-Authenticate": "Bearer"})
        await answer(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        token = given.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() == "basic":  # Label Studio sends the token as a password
            token = password_of(token)
        known = hmac.compare_digest(token, self._token)
        return scheme.lower() in ("bearer", "basic") and known


def password_of(credentials: bytes) -> bytes:
    """The password of a header of basic authentication; empty if it is none."""
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except ValueError:
        return b""


class SiteGuard:
    """Refuses requests to another host name, and changes that a page of another web site asks for.

    A browser sends both without being asked: the first after the name of a web site was bound to this
    machine, the second because a form may be sent to any address.

    Args:
        app: what is guarded.
        hosts: names of this server; all if empty.
        origins: web sites that may ask for changes.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._app, self._hosts, self._origins = app, frozenset(hosts), frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        refused = self._refuse(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await error_answer(*refused)(scope, receive, send)

    def _refuse(self, scope: Scope) -> tuple[int, str] | None:
        """Status and line of a refusal."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts and host_name(host) not in self._hosts:
            return 421, "this server does not answer to that host name; see --allowed-host"
        if scope["method"] in SAFE_METHODS or origin is None or origin in self._origins:
            return None
        try:
            own = urlsplit(origin).netloc == host
        except ValueError:
            own = False
        return None if own else (403, TEXTS[403])


def host_name(header: str) -> str:
    """The name in a Host header, without its port; empty if it is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


class BodyGuard:
    """Ends requests whose body is too large (413) or too slow (408), before or while it arrives.

    Args:
        app: what is guarded.
        upload_bytes: size of a file; bodies may be a little larger.
        seconds: time in which a body must arrive.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int, seconds: float) -> None:
        self._app, self._bytes, self._seconds = app, upload_bytes + FORM_BYTES, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdigit() and int(length) > self._bytes:
            await error_answer(413, self._too_large())(scope, receive, send)
            return
        received, began = 0, time.monotonic()

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._bytes:
                    raise HTTPException(413, self._too_large())
                if time.monotonic() - began > self._seconds and message.get("more_body"):
                    raise HTTPException(408, f"the request took longer than {self._seconds:.0f} s")
            return message

        await self._app(scope, limited, send)

    def _too_large(self) -> str:
        return f"the file is larger than {(self._bytes - FORM_BYTES) / 2**20:.0f} MiB: cut or compress it"


class HeaderGuard:
    """Adds :data:`HEADERS` to every answer, and ``no-store`` where nothing else is said."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
