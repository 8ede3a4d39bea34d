"""AVSBench-semantic (AVSS): the class of every sounding pixel (Zhou et al., 2023)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seac.core.errors import InputError
from seac.core.pixels import voc_palette
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_table, read_text
from seac.datasets.images import read_colours, read_indices
from seac.datasets.layout import find_metadata_file, find_root, parse_video_id, validate_id
from seac.datasets.on_disk import MaskedOnDisk

FRAMES = {"v1s": 5, "v1m": 5, "v2": 10}
"""Number of frames, and of seconds, of a clip by subset (the column ``label``)."""

NUMBERS, COLOURS = "labels_semantic", "labels_rgb"


class AVSS(MaskedOnDisk):
    """The layout of AVSBench-semantic.

    ``metadata.csv`` (vid, uid, s_min, s_sec, a_obj, split, label), ``label2idx.json`` beside the subsets::

        <label>/<uid>/frames/{0..}.jpg              5 frames in v1s and v1m, 10 in v2
        <label>/<uid>/audio.wav
        <label>/<uid>/labels_semantic/{0..}.png     class numbers; preferred
        <label>/<uid>/labels_rgb/{0..}.png          VOC colours; where there are no class numbers

    In v1s only frame 0 is annotated for training. The audio window of frames 0-4 is 0-5 s, of frames 5-9
    5-10 s.
    """

    name = "avss"
    kind = TruthKind.LABELS
    metadata = "metadata.csv"

    def __init__(self, folder: Path, split: str = "test", *, strict: bool = True) -> None:
        super().__init__(folder, split, strict=strict)
        self.classes = read_classes(find_metadata_file(self.folder, "label2idx.json", self.name))

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of ``metadata.csv``."""
        root = find_root(path)
        rows = read_table(path, ("uid", "split", "label"))
        for row in rows:
            if row["label"] not in FRAMES:
                raise InputError(
                    f"{path}: label of {row['uid'][:60]} is {row['label'][:20]!r}; give {', '.join(FRAMES)}"
                )
            validate_id(row["uid"], str(path))
        label_folders = {
            label: _label_folder(root / label, (r["uid"] for r in rows if r["label"] == label))
            for label in FRAMES
        }
        for row in rows:
            count, label, uid = FRAMES[row["label"]], row["label"], row["uid"]
            folder = root / label / uid
            annotated = 1 if (label, row["split"]) == ("v1s", "train") else count
            yield Clip(
                id=uid,
                video_id=parse_video_id(row.get("vid") or uid),
                split=row["split"],
                category=row.get("a_obj") or None,
                frames=tuple(folder / "frames" / f"{n}.jpg" for n in range(count)),
                audio=folder / "audio.wav",
                truth=tuple(
                    folder / label_folders[label] / f"{n}.png" if n < annotated else None
                    for n in range(count)
                ),
                audio_windows=tuple((0.0, 5.0) if n < 5 else (5.0, 10.0) for n in range(count)),
            )

    def read_truth(self, path: Path) -> NDArray[np.int64]:
        """Class of each pixel (H, W), from class numbers or colours."""
        if path.parent.name == NUMBERS:
            return read_indices(path, len(self.classes))
        return read_colours(path, self._palette)

    @cached_property
    def _palette(self) -> NDArray[np.uint8]:
        return voc_palette(len(self.classes))


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the class names in ``label2idx.json``, ordered by number, background first.

    Raises:
        InputError: not a mapping from names to the numbers 0, 1, ..., or class 0 is not background.
    """
    try:
        numbers = json.loads(read_text(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({str(error)[:80]}); repair the file") from None
    if not isinstance(numbers, dict) or not numbers:
        raise InputError(f"{path}: must map class names to numbers, as in {{'background': 0, ...}}")
    all_integers = all(isinstance(n, int) and not isinstance(n, bool) for n in numbers.values())
    if not all_integers or sorted(numbers.values()) != list(range(len(numbers))) or len(numbers) > 256:
        raise InputError(f"{path}: class numbers must be 0 to {len(numbers) - 1}, each once, at most 256")
    classes = tuple(sorted(numbers, key=numbers.__getitem__))
    if classes[0] != "background":
        raise InputError(f"{path}: class 0 is {classes[0]!r}; it must be 'background'")
    return classes


def _label_folder(subset: Path, uids: Iterator[str]) -> str:
    """The label folder of a subset: the release has it for all clips or for none, so five are checked."""
    return next((NUMBERS for uid in islice(uids, 5) if (subset / uid / NUMBERS).is_dir()), COLOURS)
