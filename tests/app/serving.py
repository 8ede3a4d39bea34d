"""A server of the page in a thread, with a stored result in place of the networks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seac.jobs.decide import store_decision
from seac.presets.spec import ModelSpec
from seac.results.decision_file import DecisionRecord
from seac.results.reader import open_result
from tests.fixtures.scene import scene_image, write_scene


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        address: without a slash at its end.
        scene: the result folder that it was opened with.
        opened: id of its job.
        folder: of the server.
    """

    address: str
    scene: Path
    opened: str
    folder: Path

    def forget_decision(self) -> None:
        """The scene as it was segmented."""
        store_decision(open_result(self.scene), DecisionRecord())


class SceneRunner:
    """Writes the scene of :mod:`tests.fixtures.scene` for any video; to find "slow" takes a minute."""

    def __init__(self, model: ModelSpec) -> None:
        pass

    def segment(self, source: Path, out: Path, settings: Mapping[str, Any], report: Any) -> None:
        slow = settings.get("find") == "slow"
        for number in range(600 if slow else 3):
            Image.fromarray(np.ascontiguousarray(scene_image(number / 10))).save(out / "preview.jpg")
            report(
                {
                    "stage": "segment",
                    "done": number / 10,
                    "total": 60.0,
                    "rate": 9.5,
                    "key_frames": number + 1,
                }
            )
            time.sleep(0.1)
        write_scene(out, source)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(app: Any, port: int) -> Iterator[None]:
    """Serve an application in a thread."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
