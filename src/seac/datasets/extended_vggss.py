"""Extended VGG-SS: as many frames with an off-screen source as with a visible one (Mo and Morgado)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets import audio as audio_formats
from seac.datasets import images
from seac.datasets.boxes import count_boxes
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_rows
from seac.datasets.layout import (
    WHOLE_CLIP,
    find_file,
    find_metadata_file,
    find_root,
    index_folders,
    parse_video_id,
    validate_id,
)
from seac.datasets.on_disk import OnDisk
from seac.datasets.vggss import ANNOTATIONS, visible_clips

PAIRS = "vggss_test_plus_silent.csv"
HEADER = ["video", "audio", "label"]
NEGATIVE = ("non-sounding", "negative")
"""Strings that mark the label of a negative."""


class ExtendedVGGSS(OnDisk):
    """The layout of the extended VGG-SS.

    ``vggss_test_plus_silent.csv`` (video, audio, label; the header may be missing) beside ``vggss.json``::

        frames/<video>.jpg, audio/<audio>.wav                   positives; negatives as a fallback
        extend_frames/<video>.jpg, extend_audio/<audio>.wav     negatives; positives as a fallback

    Positives are the entries of ``vggss.json``. A line labelled "non-sounding" (or "negative") pairs the
    frame of one video with the audio of another. Other lines repeat positives; a positive that ``vggss.json``
    does not list is an error. The id of a negative is ``<video>+<audio>``, its source is not visible and its
    truth is empty. The audio window is the whole clip.
    """

    name = "vggss-extended"
    kind = TruthKind.BOXES
    metadata = PAIRS
    splits = ("test",)

    def index(self, path: Path) -> Iterator[Clip]:
        """Positives in the order of ``vggss.json``, then negatives in the order of the pairs."""
        root = find_root(path)
        boxes = find_metadata_file(path.parent, ANNOTATIONS, self.name)
        positives = list(visible_clips(boxes, ("frames", "extend_frames"), ("audio", "extend_audio")))
        yield from positives
        known = {clip.id for clip in positives}
        image_folders = index_folders(root, ("extend_frames", "frames"))
        audio_folders = index_folders(root, ("extend_audio", "audio"))
        for video, audio, negative in read_pairs(path):
            if negative:
                yield Clip(
                    id=f"{video}+{audio}",
                    video_id=parse_video_id(video),
                    split="test",
                    category=None,
                    frames=(find_file(video, image_folders, images.SUFFIXES),),
                    audio=find_file(audio, audio_folders, audio_formats.SUFFIXES),
                    audio_windows=(WHOLE_CLIP,),
                    visible=False,
                )
            elif video not in known:
                raise InputError(f"{path}: positive {video} has no boxes in {ANNOTATIONS}; add them there")
            elif video != audio:
                raise InputError(
                    f"{path}: {video} with the audio of {audio} is not labelled non-sounding; label it so"
                )

    def truth(self, clip: Clip) -> Tensor:
        """The union of the boxes: (1, 224, 224) float32, 0 or 1; all 0 for a negative."""
        return torch.from_numpy(count_boxes(clip.boxes, self.size) > 0).float()[None]


def read_pairs(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield (video, audio, whether the pair is a negative) for each line.

    Raises:
        InputError: a line has too few fields or an invalid id.
    """
    order = [0, 1, 2]
    for number, (line, row) in enumerate(read_rows(path)):
        names = [field.lower() for field in row]
        if number == 0 and set(HEADER) <= set(names):
            order = [names.index(column) for column in HEADER]
            continue
        if len(row) <= max(order):
            raise InputError(f"{path}, line {line}: {len(row)} fields; give video, audio, label")
        video, audio, label = (row[position] for position in order)
        where = f"{path}, line {line}"
        yield (
            validate_id(video, where),
            validate_id(audio, where),
            any(label_word in label.lower() for label_word in NEGATIVE),
        )
