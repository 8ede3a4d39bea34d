"""Verification of a feature store by its checksums and schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from seac.core.errors import InputError
from seac.features.clip_features import ClipFeatures
from seac.features.manifest import Manifest, scan_store
from seac.features.reader import Store


@dataclass(frozen=True)
class VerificationReport:
    """Numbers of clips, frames and bytes read, and the problems found, one line each."""

    clips: int
    frames: int
    bytes: int
    problems: tuple[str, ...]


def verify(folder: Path | str, *, deep: bool = False) -> VerificationReport:
    """Compare all files of a store with the manifest, their checksums and the schema.

    Args:
        folder: the store.
        deep: also read each clip, check its shapes and decode its masks.

    Raises:
        InputError: there is no store.
    """
    folder = Path(folder)
    manifest = Manifest.read(folder)
    found = scan_store(folder, manifest)
    problems = [f"{shard.name} is missing ({shard.clips} clips)" for shard in found.missing]
    problems += [f"{path.name} is not a data file of a store" for path in found.damaged]
    problems += [
        f"{part.name} does not fit its checksum" for part in found.parts if not part.matches_checksum()
    ]
    times = Counter(id_ for part in found.parts for id_ in part.footer.ids)
    problems += [f"{id_} is stored {count} times" for id_, count in times.items() if count > 1]
    if deep and not problems:
        problems += list(find_broken_clips(Store(folder)))
    frames = sum(len(row) for part in found.parts for row in part.footer.counts)
    size = sum(part.path.stat().st_size for part in found.parts)
    return VerificationReport(sum(times.values()), frames, size, tuple(problems))


def find_broken_clips(store: Store) -> Iterator[str]:
    """Yield a line for each clip with inconsistent arrays."""
    for row, id_ in enumerate(store.ids):
        try:
            clip = store[row]
            problem = find_problem(clip, store)
            if clip.id != id_:
                problem = f"row {row} holds {clip.id}"
        except (ValueError, KeyError, OSError, InputError) as error:
            problem = " ".join(str(error).split())[:120] or type(error).__name__
        if problem:
            yield f"{id_}: {problem}"


def find_problem(clip: ClipFeatures, store: Store) -> str:
    """The problem of a clip; empty if there is none."""
    provenance = store.manifest.provenance
    if clip.windows.embeddings.shape[1] != provenance.audio_dim or len(clip.windows.embeddings) == 0:
        return "window features of another size"
    for number, frame in enumerate(clip.frames):
        masks = frame.proposals.masks  # raises for a damaged code
        if len(masks) and not masks.flatten(1).any(1).all():
            return f"frame {number} has an empty mask"
        if not torch.isfinite(frame.embeddings.local).all() or not torch.isfinite(frame.boxes).all():
            return f"frame {number} has values that are not finite"
    return ""
