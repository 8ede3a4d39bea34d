"""``seac serve``: jobs, results and exports over HTTP."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from seac.cli import options
from seac.core.errors import InputError
from seac.export.table import DEFAULT_EXPORTS, parse_names
from seac.presets.spec import ModelSpec

BACKENDS = ("local", "ray")
Names = list[str] | None


@options.command(*options.WHOLE)
def serve(
    model: ModelSpec,
    out: Annotated[Path, options.OutputOption("-o", "--out", help="Folder of uploads and results.")] = Path(
        "seac-serve"
    ),
    host: Annotated[str, options.RunOption(help="Address to listen at; other machines need a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, options.RunOption(help="Port to listen at; 0 takes a free one.")] = 8765,
    token_file: Annotated[
        Path | None, options.RunOption(help="File of the bearer token; or set SEAC_TOKEN.")
    ] = None,
    no_token: Annotated[
        bool, options.RunOption("--no-token", help="Let other machines in without a token.")
    ] = False,
    allowed_host: Annotated[Names, options.RunOption(help="Host name that is answered.")] = None,
    allow_origin: Annotated[Names, options.RunOption(help="Web site that may ask (CORS).")] = None,
    url_host: Annotated[Names, options.InputOption(help="Host that videos are read from.")] = None,
    private_url_host: Annotated[Names, options.InputOption(help="Such a host in a private network.")] = None,
    backend: Annotated[str, options.RunOption(help="Where jobs run: local, or ray.")] = "local",
    ray_address: Annotated[str, options.RunOption(help="Ray cluster: auto, local or an address.")] = "auto",
    workers: Annotated[int, options.RunOption(help="Jobs that run at the same time.")] = 1,
    max_mib: Annotated[float, options.InputOption(help="MiB of an upload.")] = 500.0,
    max_seconds: Annotated[float, options.InputOption(help="Seconds of a video.")] = 600.0,
    max_megapixels: Annotated[float, options.InputOption(help="Megapixels of a frame.")] = 9.5,
    max_queued: Annotated[int, options.InputOption(help="Jobs that wait; more are told to come back.")] = 20,
    job_minutes: Annotated[float, options.RunOption(help="Minutes after which a job fails.")] = 60.0,
    keep_hours: Annotated[float, options.OutputOption(help="Hours until a finished job is removed.")] = 24.0,
    export: Annotated[str, options.OutputOption(help="Outputs of a job that does not say.")] = ",".join(
        DEFAULT_EXPORTS
    ),
) -> options.Work:
    """Serve jobs over HTTP: upload a video, follow its progress, read its result. See docs/serve.md."""
    from seac.export.table import split_exports
    from seac.serve.limits import ServeLimits
    from seac.serve.run import Address, check_bind, host_names, read_token
    from seac.serve.settings import ServeSettings

    token = read_token(token_file)
    check_bind(host, token, no_token=no_token)
    exports = parse_names(export)
    split_exports(exports)
    if backend not in BACKENDS:
        raise InputError(f"--backend is {backend!r}: give {' or '.join(BACKENDS)}")
    limits = ServeLimits(
        upload_bytes=round(max_mib * 2**20),
        video_seconds=max_seconds,
        frame_pixels=round(max_megapixels * 1e6),
        queued_jobs=max_queued,
        job_seconds=job_minutes * 60,
        keep_seconds=keep_hours * 3600,
    )
    private = tuple(private_url_host or ())
    settings = ServeSettings(
        folder=out.absolute(),
        model=model,
        limits=limits,
        token=token,
        hosts=host_names(host, tuple(allowed_host or ())),
        origins=tuple(allow_origin or ()),
        url_hosts=(*(url_host or ()), *private),
        private_url_hosts=private,
        workers=workers,
        exports=exports,
        may_list=token is not None or not no_token,
    )
    return partial(_run, settings, Address(host, port), backend, ray_address)


def _run(settings: Any, address: Any, backend: str, ray_address: str, *, as_json: bool = False) -> None:
    """Serve; there is nothing to print as JSON."""
    from seac.serve.run import run_server

    if backend == "ray":
        from seac.serve.ray_backend import RayBackend

        run_server(settings, address, RayBackend(settings, ray_address))
    else:
        run_server(settings, address)
