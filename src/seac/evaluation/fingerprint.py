"""Fingerprint of a benchmark, by which cached predictions are matched to the data they were made for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from seac.datasets.clip import Clip, Reader
from seac.evaluation.robustness import Corrupted


def fingerprint(reader: Reader) -> dict[str, str]:
    """Folder and metadata digest of a benchmark, independent of the selected clips.

    Returns:
        ``folder``, with links and dots resolved, and ``metadata``, a digest of its classes and clips.
    """
    base = reader.reader if isinstance(reader, Corrupted) else reader
    listed = [base.classes, [_listed(clip, base.folder) for clip in base.clips]]
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return {"folder": str(base.folder.resolve()), "metadata": digest}


def _listed(clip: Clip, folder: Path) -> list[object]:
    """Metadata of a clip, with paths relative to the folder."""
    files = [str(path).removeprefix(str(folder)).lstrip("/\\") for path in (*clip.frames, clip.audio)]
    return [clip.id, clip.split, clip.category, clip.visible, clip.boxes, files]
