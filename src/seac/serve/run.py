"""Run the service until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seac.core.errors import InputError
from seac.serve.settings import LOOPBACK_NAMES, ServeSettings, is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI

    from seac.serve.backends import Backend

TOKEN_VARIABLE = "SEAC_TOKEN"  # nosec B105
GRACE_SECONDS = 3
"""Time in which open answers may end after the server was told to stop."""


@dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        host: name or address.
        port: 0 for a free one.
    """

    host: str = "127.0.0.1"
    port: int = 8765

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InputError(f"--port is {self.port}: give a number from 0 to 65535")


def read_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The bearer token of a file or of the environment; None without either.

    Raises:
        InputError: the file cannot be read.
    """
    if file is None:
        return environment.get(TOKEN_VARIABLE, "").strip() or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the token cannot be read ({type(error).__name__})") from None


def check_bind(host: str, token: str | None, *, no_token: bool) -> None:
    """Refuse to serve other machines without a token, unless that is asked for.

    Raises:
        InputError: it is not asked for.
    """
    if is_loopback(host) or token is not None or no_token:
        return
    raise InputError(
        f"--host {host} lets other machines in: set {TOKEN_VARIABLE} or --token-file, or say --no-token"
    )


def host_names(host: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """The names in the Host header that are answered.

    Args:
        host: where the server listens.
        given: by the user; on loopback its own names if empty.
    """
    return given or (LOOPBACK_NAMES if is_loopback(host) else ())


def run_server(settings: ServeSettings, address: Address, backend: Backend | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM; jobs that run are continued by the next start.

    Raises:
        InputError: FastAPI is not installed, or the address is taken.
    """
    try:
        from seac.serve.http.application import create_app
    except ImportError as error:
        raise InputError(f"seac serve needs {error.name}: pip install 'seac[serve]'") from None
    run_app(create_app(settings, backend), address, "seac serve")


def ignore_address(address: str) -> None:
    """Take the address of a server that listens, and do nothing."""


def run_app(
    app: FastAPI, address: Address, name: str, listening_at: Callable[[str], None] = ignore_address
) -> None:
    """Serve an application until Ctrl-C or SIGTERM.

    Args:
        app: the application.
        address: where.
        name: of the command, for its first line.
        listening_at: is called with the address for a browser, once requests wait for an answer.

    Raises:
        InputError: the address is taken or not of this machine.
    """
    import uvicorn

    listening = listen(address)
    keep_temporary_files(app.state.service.incoming)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"{name}: http://{shown}:{port} (stop with Ctrl-C)\n")
    sys.stderr.flush()
    listening_at(f"http://{shown}:{port}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=64 * 1024,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again, once all has ended
        uvicorn.Server(config).run([listening])
    sys.stderr.write(f"{name}: stopped\n")


def keep_temporary_files(folder: Path) -> None:
    """Have this process and its workers keep temporary files in a folder: ``/tmp`` may be small."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None


def listen(address: Address) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the address is taken, or not of this machine.
    """
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family[0], socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(family[4])
        found.listen(128)
    except OSError as error:
        raise InputError(
            f"cannot listen at {address.host} port {address.port} ({error.strerror}): give another --port"
        ) from None
    return found
