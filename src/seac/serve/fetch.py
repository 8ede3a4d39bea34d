"""Videos of other hosts: only allowed ones, no private addresses, no redirects elsewhere, limited in size.

The address of a host is looked up once, checked, and then connected to, so that a second look-up cannot give
another one. Proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, urljoin, urlsplit

from seac.core.errors import InputError
from seac.serve.settings import ServeSettings
from seac.serve.uploads import TooLargeError

PORTS = {"http": 80, "https": 443}
MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
CONNECT_SECONDS = 10.0
CHUNK = 1 << 16
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
LookUp = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Address:
    """Where a video is read from.

    Attributes:
        url: the parsed address.
        ip: address of the host, which was checked.
        port: of the host.
    """

    url: SplitResult
    ip: str
    port: int


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host.

    Raises:
        InputError: it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InputError(f"host {host!r} is not known: check the address") from None
    return [str(each[4][0]) for each in found]


def check_address(text: str, settings: ServeSettings, look: LookUp = look_up) -> Address:
    """Check an address and look its host up.

    Args:
        text: the address.
        settings: the hosts that are allowed.
        look: gives the addresses of a host.

    Raises:
        InputError: the host is not allowed or private, or it is no address of a file.
    """
    try:
        url = urlsplit(text)
        host, port = (url.hostname or "").lower().rstrip("."), url.port
    except ValueError:
        raise InputError("url is no address: give one such as https://HOST/clip.mp4") from None
    if url.scheme not in PORTS or not host or url.username is not None or not text.isprintable():
        raise InputError("url is not taken: give an http or https address without a user name")
    name = host if port is None else f"{host}:{port}"
    if name not in settings.url_hosts:
        allowed = ", ".join(settings.url_hosts) or "none; upload the file"
        raise InputError(f"host {name!r} is not allowed by this server; allowed: {allowed}")
    found = look(host, port or PORTS[url.scheme])
    if name not in settings.private_url_hosts and not all(is_public(each) for each in found):
        raise InputError(f"host {name!r} is of a private network: the server does not read from it")
    return Address(url, found[0], port or PORTS[url.scheme])


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None and not inner.is_global:
            return False
    return ip.is_global and not ip.is_multicast


def fetch_video(
    text: str,
    path: Path,
    settings: ServeSettings,
    look: LookUp = look_up,
    headers: Mapping[str, str] = NO_HEADERS,
) -> None:
    """Read a file of an allowed host into a new file.

    Args:
        text: its address.
        path: of the new file.
        settings: allowed hosts, and limits.
        look: gives the addresses of a host.
        headers: of the request, beside its own.

    Raises:
        TooLargeError: it is larger than the limit.
        InputError: the address is not allowed, or the host does not give the file.
    """
    deadline = time.monotonic() + settings.limits.upload_seconds
    host = urlsplit(text).netloc
    for _ in range(MAX_REDIRECTS + 1):
        address = check_address(text, settings, look)
        connection = connect(address)
        try:
            answer = ask(connection, address, headers)
            if answer.status in REDIRECTS:
                text = urljoin(text, answer.getheader("Location", ""))
                if urlsplit(text).netloc != host:
                    raise InputError("the host of the url redirects to another host: give the final address")
                continue
            if answer.status != 200:
                raise InputError(f"the host of the url answers {answer.status}: check the address")
            copy_body(answer, path, settings.limits.upload_bytes, deadline)
            return
        except (OSError, http.client.HTTPException) as error:
            raise InputError(f"the url cannot be read ({type(error).__name__}): upload the file") from None
        finally:
            connection.close()
    raise InputError("the host of the url redirects too often: give the final address")


def connect(address: Address) -> http.client.HTTPConnection:
    """A connection to the address that was checked, under the name of its host."""
    host = address.url.hostname or ""
    if address.url.scheme == "http":
        return _Pinned(host, address.port, address.ip)
    return _PinnedTls(host, address.port, address.ip)


def ask(
    connection: http.client.HTTPConnection, address: Address, headers: Mapping[str, str] = NO_HEADERS
) -> http.client.HTTPResponse:
    """Ask for a file."""
    target = address.url.path or "/"
    if address.url.query:
        target += f"?{address.url.query}"
    own = {"Accept-Encoding": "identity", "User-Agent": "seac"}
    connection.request("GET", target, headers={**headers, **own})
    return connection.getresponse()


def copy_body(answer: http.client.HTTPResponse, path: Path, max_bytes: int, deadline: float) -> None:
    """Write the body of an answer into a new file.

    Raises:
        TooLargeError: it is larger than ``max_bytes``.
        InputError: it takes too long, or is shorter than it says.
    """
    too_large = TooLargeError(f"the file of the url is larger than {max_bytes / 2**20:.0f} MiB")
    if answer.length is not None and answer.length > max_bytes:
        raise too_large
    written = 0
    with path.open("xb") as file:
        while chunk := answer.read1(CHUNK):
            written += len(chunk)
            if written > max_bytes:
                raise too_large
            if time.monotonic() > deadline:
                raise InputError("the host of the url is too slow: upload the file")
            file.write(chunk)
    if answer.length:
        raise InputError("the file of the url ends early: try again, or upload the file")


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever the host is called."""

    def __init__(self, host: str, port: int, ip: str) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._ip = ip

    def connect(self) -> None:
        """Connect to the address."""
        self.sock = socket.create_connection((self._ip, self.port), self.timeout)


class _PinnedTls(http.client.HTTPSConnection):
    """The same with TLS: the certificate is that of the host."""

    def __init__(self, host: str, port: int, ip: str) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=self._tls)
        self._ip = ip

    def connect(self) -> None:
        """Connect to the address, and check the certificate."""
        plain = socket.create_connection((self._ip, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
