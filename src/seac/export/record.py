"""``result.json``: all results of a clip, in a versioned schema.

The models below define the schema; ``python -m seac.export.record`` prints it as JSON Schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from seac._version import __version__
from seac.core.result import FrameResult
from seac.export.writer import Clip
from seac.results.rle import decode_rle, encode_rle

VERSION: Literal[1] = 1


class Strict(BaseModel):
    """Base model that forbids extra fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rle(Strict):
    """A mask in COCO's compressed run-length code."""

    size: tuple[int, int] = Field(description="height, width in pixels")
    counts: str


class MaskRecord(Strict):
    """One mask of a frame."""

    id: int = Field(description="stable over the clip")
    segmentation: Rle
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels; x2, y2 exclusive")
    score: float = Field(description="objectness in [0, 1]")
    similarity: float = Field(description="similarity to the audio, in [-1, 1]")
    probability: float = Field(description="calibrated probability that it sounds")
    sounding: bool
    label: str


class AudioRecord(Strict):
    """Summary of the audio of a frame."""

    silent: bool
    level: float = Field(description="dBFS")
    top_classes: tuple[tuple[str, float], ...] = Field(description="name, probability; most probable first")
    noise: bool = Field(default=False, description="whether the audio is only noise")


class FrameRecord(Strict):
    """One frame."""

    time: float = Field(description="seconds")
    confidence: float = Field(description="greatest similarity; -1 in silence or without masks")
    audio_summary: AudioRecord
    masks: tuple[MaskRecord, ...]
    notes: tuple[str, ...]


class ClipRecord(Strict):
    """The content of ``result.json``."""

    version: Literal[1]
    seac: str = Field(description="version of the program")
    source: str
    audio: str | None
    fps: float = Field(description="key frames per second; 0 for a rate that follows the image")
    size: tuple[int, int] = Field(description="height, width of frames and masks in pixels")
    original_size: tuple[int, int]
    labels: tuple[str, ...] = Field(description="background, then the vocabulary")
    settings: dict[str, Any]
    frames: tuple[FrameRecord, ...]


def encode_masks(masks: NDArray[np.bool_]) -> list[Rle]:
    """Encode masks (N, H, W) in COCO's run-length code."""
    height, width = masks.shape[1:]
    return [Rle(size=(height, width), counts=code.decode("ascii")) for code in encode_rle(masks)]


def decode_mask(rle: Rle) -> NDArray[np.bool_]:
    """Decode a mask: (H, W) bool."""
    masks: NDArray[np.bool_] = decode_rle((rle.counts.encode(),), rle.size)
    return np.asarray(masks[0])


def frame_record(result: FrameResult) -> FrameRecord:
    """Convert a result to its record."""
    rles = encode_masks(result.masks)
    corners = result.boxes.astype(float).round(2).tolist()
    masks = tuple(
        MaskRecord(
            id=int(result.ids[row]),
            segmentation=rle,
            box=(left, top, right, bottom),
            score=round(float(result.scores[row]), 5),
            similarity=round(float(result.similarity[row]), 5),
            probability=round(float(result.probability[row]), 5),
            sounding=bool(result.sounding[row]),
            label=result.names[row],
        )
        for row, (rle, (left, top, right, bottom)) in enumerate(zip(rles, corners, strict=True))
    )
    top_classes = tuple((name, round(value, 5)) for name, value in result.audio_summary.top_classes)
    return FrameRecord(
        time=round(result.time, 6),
        confidence=round(result.confidence, 5),
        audio_summary=AudioRecord(
            silent=result.audio_summary.silent,
            level=round(result.audio_summary.level, 2),
            top_classes=top_classes,
            noise=result.audio_summary.noise,
        ),
        masks=masks,
        notes=result.notes,
    )


class RecordWriter:
    """Writes ``result.json`` frame by frame, in constant memory."""

    files = ("result.json",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._clip = clip
        self._file = (folder / "result.json").open("w", encoding="utf-8")
        self._started = False

    def add(self, result: FrameResult) -> None:
        """Append a frame."""
        if not self._started:
            self._file.write(self._head(result))
            self._started = True
        else:
            self._file.write(",\n")
        self._file.write(frame_record(result).model_dump_json())

    def close(self) -> None:
        """Finish the file."""
        if self._started:
            self._file.write("\n]}\n")
        self._file.close()

    def _head(self, result: FrameResult) -> str:
        """The JSON before the first frame, serialised from the schema's own model."""
        height, width = result.masks.shape[1:]
        record = ClipRecord(
            version=VERSION,
            seac=__version__,
            source=self._clip.source.name,
            audio=self._clip.audio.name if self._clip.audio else None,
            fps=self._clip.fps,
            size=(height, width),
            original_size=result.original_size,
            labels=result.labels,
            settings=self._clip.settings,
            frames=(),
        )
        return record.model_dump_json().removesuffix("]}") + "\n"


if __name__ == "__main__":
    print(json.dumps(ClipRecord.model_json_schema(), indent=2))  # noqa: T201
