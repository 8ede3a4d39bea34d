"""Extraction on a Ray cluster: actors hold the models, clips stream through them, Ray applies back-pressure.

Ray replaces an actor that dies and repeats its clips; the store accepts each clip once.
"""

from __future__ import annotations

import logging
import math
import pickle  # nosec B403
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from seac.core.errors import InputError
from seac.datasets.pairs.pair import Pair
from seac.extraction.worker import Extractor, Outcome, Recipe

BLOCK = 4
"""Clips per block sent to an actor; the block is repeated if the actor dies."""


class RayEngine:
    """Runs actors of a Ray cluster; every machine must reach the clips under the same paths.

    Args:
        address: address of a running cluster ("auto" finds this machine's), or "local" to start one here.
        workers: number of actors; None uses every core of the cluster (every GPU on cuda).
    """

    def __init__(self, address: str, workers: int | None = None) -> None:
        self.name = f"Ray at {address}"
        self._address, self._workers = address, workers

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """See :class:`seac.extraction.engine.Engine`."""
        ray = connect(self._address)
        rows = [{"pair": pickle.dumps(pair)} for pair in pairs]
        if not rows:
            return
        blocks = ray.data.from_items(rows, override_num_blocks=math.ceil(len(rows) / BLOCK))
        gpu = torch.device(recipe.device).type == "cuda"
        max_size = max(1, int(ray.cluster_resources().get("GPU" if gpu else "CPU", 1)))
        pool = {"size": self._workers} if self._workers else {"min_size": 1, "max_size": max_size}
        outcomes = blocks.map_batches(
            RayExtractor,
            fn_constructor_args=(recipe,),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(**pool),
            num_cpus=0 if gpu else 1,
            num_gpus=1 if gpu else 0,
        )
        for batch in outcomes.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=1):
            for outcome in batch["outcome"]:
                yield pickle.loads(outcome)  # nosec B301


class RayExtractor:
    """Ray Data actor that holds a model."""

    def __init__(self, recipe: Recipe) -> None:
        if torch.device(recipe.device).type == "cpu":
            torch.set_num_threads(1)  # Ray counts an actor as one core
        self._extract = Extractor(recipe)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Return the pickled outcomes of a batch of pickled pairs."""
        return {"outcome": [pickle.dumps(self._extract(pickle.loads(pair))) for pair in batch["pair"]]}  # nosec B301


def connect(address: str) -> Any:
    """Connect to a cluster and return the ``ray`` module.

    Raises:
        InputError: Ray is not installed, or there is no such cluster.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise InputError("--ray needs Ray: pip install 'seac[ray]'") from None
    if not ray.is_initialized():
        try:
            ray.init(
                address=None if address == "local" else address,
                logging_level=logging.ERROR,
                log_to_driver=False,
                include_dashboard=False if address == "local" else None,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            why = " ".join(str(error).split())[:120]
            raise InputError(
                f"no Ray cluster at {address!r} ({why}): start one with ray start --head"
            ) from None
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # seac shows its own progress
    return ray
