"""Settings of a server, checked before it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from seac.core.errors import InputError
from seac.export.table import DEFAULT_EXPORTS
from seac.presets.spec import ModelSpec
from seac.serve.limits import ServeLimits

RUNNER = "seac.serve.runner:ModelRunner"
MIN_TOKEN = 16
"""Characters of the shortest token that is accepted."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ServeSettings:
    """Settings of a server.

    Attributes:
        folder: database, uploads and results; one server at a time uses it.
        model: the networks; a job may choose another vocabulary and threshold.
        limits: what is refused, cut short, removed.
        token: bearer token that every request must bear; None for none.
        hosts: names in the Host header that are answered; all if empty.
        origins: web sites whose pages may use the service (CORS); none by default.
        url_hosts: hosts from which videos are read; none by default.
        private_url_hosts: those of them that may have an address of a private network.
        workers: jobs that run at the same time.
        exports: formats that a job writes if it does not say.
        may_list: whether ``GET /jobs`` lists the jobs of everybody who uses the server.
        runner: ``module:class`` of what runs a job; see :class:`seac.serve.worker.Runner`.

    Raises:
        InputError: a value is invalid.
    """

    folder: Path
    model: ModelSpec = ModelSpec()
    limits: ServeLimits = field(default_factory=ServeLimits)
    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    url_hosts: tuple[str, ...] = ()
    private_url_hosts: tuple[str, ...] = ()
    workers: int = 1
    exports: tuple[str, ...] = DEFAULT_EXPORTS
    may_list: bool = True
    runner: str = RUNNER

    def __post_init__(self) -> None:
        if self.token is not None and (len(self.token) < MIN_TOKEN or not self.token.isascii()):
            raise InputError(
                f"the token has {len(self.token)} letters: give at least {MIN_TOKEN} random ASCII letters"
            )
        if self.workers < 1:
            raise InputError(f"workers is {self.workers}: give at least 1")
        if "*" in self.origins:
            raise InputError("origin * lets every web site use the service: name the sites")
        if missing := set(self.private_url_hosts) - set(self.url_hosts):
            raise InputError(f"{min(missing)} may be private but is not allowed: name it as a URL host too")


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address that a server binds to."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
