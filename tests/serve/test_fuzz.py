"""A few seconds of schemathesis; ``python -m benchmarks.serve_fuzz`` runs it for longer."""

from __future__ import annotations

import pytest

pytest.importorskip("schemathesis", reason="needs pip install 'seac[dev]'")

from seac.serve.http.application import create_app
from seac.serve.limits import ServeLimits
from seac.serve.settings import ServeSettings
from tests.serve.conftest import Server


def test_random_requests_get_answers_that_the_description_names(tmp_path, clip):
    from benchmarks.serve_fuzz import IdleBackend, fuzz

    limits = ServeLimits(upload_bytes=200_000, queued_jobs=1000, queued_exports=1000)
    server = Server(ServeSettings(tmp_path, limits=limits, exports=("csv",)))
    with server.client:
        job = server.done(clip)
    found = fuzz(create_app(server.settings, IdleBackend()), {"job": job}, examples=2, seed=1, invalid=False)
    assert found.failures == ()
    assert len(found.cases) > 15
    assert 500 not in found.statuses
