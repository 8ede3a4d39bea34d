"""Implementation of ``seac app``: checks, the server, the browser."""

from __future__ import annotations

import json
import sys
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from seac.app.server import AppSettings, create_app
from seac.presets.spec import ModelSpec
from seac.serve.run import Address, check_bind, host_names, run_app
from seac.serve.settings import ServeSettings, is_loopback


@dataclass(frozen=True)
class AppJob:
    """Options of ``seac app``.

    Attributes:
        model: the networks.
        result: a result folder to open; the start page if None.
        address: where the page is served.
        no_token: whether other machines may use it, which then have no token to know.
        browser: whether the page is opened in the browser.
        out: folder for uploads and results; one of the user's data if None.

    Raises:
        InputError: other machines would be let in.
    """

    model: ModelSpec
    result: Path | None
    address: Address
    no_token: bool
    browser: bool
    out: Path | None

    def __post_init__(self) -> None:
        check_bind(self.address.host, None, no_token=self.no_token)

    def settings(self) -> AppSettings:
        """The settings of the server."""
        local = is_loopback(self.address.host)
        folder = self.out or user_data_path("seac", appauthor=False) / "app"
        serve = ServeSettings(
            folder=folder.absolute(),
            model=self.model,
            hosts=host_names(self.address.host, ()),
            may_list=local,
            exports=(),  # the page asks for those that it wants
        )
        return AppSettings(serve, self.result, local=local)


def serve_page(job: AppJob, *, as_json: bool = False) -> None:
    """Serve the page until the user ends it.

    Raises:
        InputError: the address is taken, the folder cannot be written, or there is no result to open.
    """

    def show(address: str) -> None:
        if as_json:
            sys.stdout.write(json.dumps({"address": address}) + "\n")
            sys.stdout.flush()
        if job.browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    run_app(create_app(job.settings()), job.address, "seac app", show)
