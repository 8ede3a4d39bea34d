"""``seac app``: the page in a browser."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec

PORT = 8760
MODEL = ("preset", "association_weights", "calibration", "with_players", "weights_dir", "device")
MISSING = "seac app needs its extra: pip install 'seac[app]'"


@options.command(*MODEL)
def app(
    model: ModelSpec,
    result: Annotated[
        Path | None, typer.Argument(help="Result folder from seac segment to open.", metavar="RESULT")
    ] = None,
    host: Annotated[str, options.RunOption(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, options.RunOption(help="Port to listen at; 0 takes a free one.")] = PORT,
    no_token: Annotated[
        bool, options.RunOption("--no-token", help="Let other machines use the page, without a token.")
    ] = False,
    browser: Annotated[bool, options.RunOption(help="Open the page in the browser.")] = True,
    out: Annotated[
        Path | None,
        options.OutputOption("-o", "--out", help="Folder for uploads and results; one of the user's data."),
    ] = None,
) -> options.Work:
    """Open the page: segment clips in the browser, look, edit, export. Nothing leaves this machine."""
    from seac.serve.run import Address

    try:
        from seac.app.command import AppJob, serve_page
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("fastapi", "starlette", "uvicorn", "multipart"):
            raise
        raise InputError(MISSING) from None
    return partial(serve_page, AppJob(model, result, Address(host, port), no_token, browser, out))
