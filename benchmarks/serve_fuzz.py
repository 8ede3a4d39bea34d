"""Random requests to ``seac serve`` from its OpenAPI description: writes a table into docs/serve.md.

    python -m benchmarks.serve_fuzz --examples 200 --write docs/serve.md

The server runs in this process with a runner that makes results without networks. A request counts as failed
if it is answered with 5xx, with a status, content type or body that the description does not name, or not at
all.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import hypothesis
import hypothesis.errors
import schemathesis
from fastapi import FastAPI
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup

from benchmarks.command import publish
from benchmarks.tables import table

CHECKS: tuple[Any, ...] = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
STREAMS = ("/v1/jobs/{job}/events",)
"""Routes whose answer has no end while a job waits."""


@dataclass
class Tally:
    """What random requests led to.

    Attributes:
        cases: number of requests by operation.
        statuses: number of answers by status.
        failures: one line each.
    """

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: tuple[str, ...] = ()


class IdleBackend:
    """Runs nothing, so that jobs wait."""

    def start(self) -> None:
        """See :class:`seac.serve.backends.Backend`."""

    def stop(self) -> None:
        """See :class:`seac.serve.backends.Backend`."""


def fuzz(app: FastAPI, known: Mapping[str, str], *, examples: int, seed: int, invalid: bool = True) -> Tally:
    """Send random requests to an application, which begins and ends with them.

    Args:
        app: the application.
        known: values of path parameters with which half of the requests are sent.
        examples: number of valid requests of each operation, and of invalid ones.
        seed: of the requests.
        invalid: whether invalid requests are sent too.
    """
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    tally = Tally()
    modes = tuple(GenerationMode) if invalid else (GenerationMode.POSITIVE,)
    operations: list[Any] = [found.ok() for found in cast(Any, schema.get_all_operations())]
    for operation in operations:
        if operation.path not in STREAMS:
            for mode in modes:
                with suppress(hypothesis.errors.Unsatisfiable):  # nothing of it can be wrong
                    _fuzz_operation(operation, mode, known, (examples, seed), tally)
    return tally


def _fuzz_operation(
    operation: Any, mode: GenerationMode, known: Mapping[str, str], count: tuple[int, int], tally: Tally
) -> None:
    """Send valid or invalid requests of an operation; ``count`` is their number and their seed."""
    name, (examples, seed) = f"{operation.method.upper()} {operation.path}", count

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        tally.cases[name] += 1
        if operation.method != "delete" and tally.cases[name] % 2:
            for parameter in set(case.path_parameters or ()) & set(known):
                case.path_parameters[parameter] = known[parameter]
        try:
            answer = case.call(base_url="http://localhost")
            tally.statuses[answer.status_code] += 1
            case.validate_response(answer, checks=list(CHECKS))
        except (Exception, FailureGroup) as error:
            text = " ".join(str(error).split())[:300]
            if len(tally.failures) < 20:
                tally.failures += (f"{name}: {type(error).__name__}: {text}",)

    send()


def main() -> None:
    """Run and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    from seac.serve.http.application import create_app
    from seac.serve.limits import ServeLimits
    from seac.serve.settings import ServeSettings
    from tests.fixtures.parts import squares, tone, write_video
    from tests.serve.conftest import Server

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        limits = ServeLimits(upload_bytes=200_000, queued_jobs=10**6, queued_exports=10**6)
        clip = write_video(Path(folder) / "clip.mp4", [squares()] * 20, tone("red", 2.0))
        server = Server(ServeSettings(Path(folder) / "served", limits=limits, exports=("csv",)))
        with server.client:
            job = server.done(clip)
        app = create_app(server.settings, IdleBackend())
        tally = fuzz(app, {"job": job, "path": "events.csv"}, examples=given.examples, seed=given.seed)
    publish(page(tally, given, time.monotonic() - began), given.write, "fuzz")


def page(tally: Tally, given: argparse.Namespace, seconds: float) -> list[str]:
    """The table of docs/serve.md."""
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    rows = [
        ("operations", str(len(tally.cases))),
        ("requests", str(sum(tally.cases.values()))),
        ("answers by status", statuses),
        ("5xx", str(sum(count for status, count in tally.statuses.items() if status >= 500))),
        ("failed checks", str(len(tally.failures))),
        ("seconds", f"{seconds:.0f}"),
    ]
    command = f"python -m benchmarks.serve_fuzz --examples {given.examples} --seed {given.seed}"
    failures = [f"- {line}" for line in tally.failures]
    return [f"`{command}` wrote this table.", "", *table(("schemathesis", "value"), rows), "", *failures]


if __name__ == "__main__":
    main()
