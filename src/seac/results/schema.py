"""The schema of a result folder: files, columns of the tables, models of the manifest.

``python -m seac.results.schema`` prints the page ``docs/result_folder.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

FORMAT: Literal["seac result"] = "seac result"
VERSION: Literal[1] = 1
STORE = "store"
"""Subfolder of a result folder with the files below."""
MANIFEST, KEY_FRAMES, STEPS, TRACKS = "manifest.json", "key_frames.parquet", "steps.parquet", "tracks.parquet"
STORE_FILES = tuple(f"{STORE}/{name}" for name in (KEY_FRAMES, STEPS, TRACKS, MANIFEST))
"""Paths of the files in a result folder; the manifest is written last."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its name.
        type: Arrow type of its values; no value is null.
        meaning: unit and shape, for the documentation.
    """

    name: str
    type: pa.DataType
    meaning: str

    @property
    def field(self) -> pa.Field:
        """The column as a field of an Arrow schema."""
        return pa.field(self.name, self.type, nullable=False)


def _list(item: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", item, nullable=False))


F32, I32, I64 = pa.float32(), pa.int32(), pa.int64()
TABLES: dict[str, tuple[Column, ...]] = {
    KEY_FRAMES: (
        Column("index", I64, "number of the frame in the source from 0, in order of presentation"),
        Column("time", pa.float64(), "seconds of its presentation"),
        Column("cut", pa.bool_(), "whether a new shot begins between the key frame before and this one"),
        Column("masks", _list(pa.binary()), "N masks in COCO's compressed run-length code, of `video.size`"),
        Column("boxes", _list(F32), "4 N values: x1, y1, x2, y2 of each mask in pixels; x2 and y2 exclusive"),
        Column("scores", _list(F32), "N objectness scores in [0, 1]"),
        Column("similarity", _list(F32), "N similarities with the audio at this time"),
        Column("probability", _list(F32), "N probabilities that a mask sounds at this time"),
        Column("tracks", _list(I64), "N tracks, without duplicates"),
        Column("classes", _list(I32), "N classes at this time, indices of `labels`"),
    ),
    STEPS: (
        Column("level", F32, "RMS level of the step in dBFS, at least -120"),
        Column("silent", pa.bool_(), "whether the audio is silent"),
        Column("noise", pa.bool_(), "whether the audio is stationary noise without a source"),
        Column("sources", _list(I32), "k likeliest classes, indices of `audio_labels`; -1 for none"),
        Column("source_probabilities", _list(F32), "k probabilities of these classes"),
        Column("key_frame", I64, "row of the key frame that was paired with the step; -1 for none"),
        Column("probability", _list(F32), "N probabilities that a mask of that key frame sounds in the step"),
    ),
    TRACKS: (
        Column("id", I64, "number of the track"),
        Column("start", pa.float64(), "seconds of its first mask"),
        Column("stop", pa.float64(), "seconds until which its last mask is shown"),
        Column("embedding", _list(F32), "d values of unit length: mean text-space embedding of its masks"),
        Column("class_scores", _list(F32), "C mean scores, one for each of `labels[1:]`"),
    ),
}  # fmt: skip
"""Columns of each table by the name of its file."""


def arrow_schema(name: str) -> pa.Schema:
    """The Arrow schema of a table.

    Args:
        name: its file, a key of :data:`TABLES`.
    """
    return pa.schema([column.field for column in TABLES[name]])


class Strict(BaseModel):
    """Base model that forbids extra fields, infinity and NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class VideoRecord(Strict):
    """The source of a result."""

    source: str = Field(description="path of the video or still image; it may have moved since")
    audio: str | None = Field(description="path of the file with the audio")
    still: bool = Field(description="whether the source is a still image, repeated to the end of the audio")
    size: tuple[PositiveInt, PositiveInt] = Field(description="height, width of masks in pixels, upright")
    original_size: tuple[PositiveInt, PositiveInt] = Field(description="height, width of source frames")
    duration: float = Field(ge=0, description="seconds")
    frame_rate: float = Field(ge=0, description="mean frames per second; 0 of a still image")
    frames: NonNegativeInt = Field(description="number of frames of the source; 1 of a still image")


class FileRecord(Strict):
    """A table of a result."""

    rows: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class ManifestRecord(Strict):
    """The content of ``manifest.json``."""

    format: Literal["seac result"]
    version: Literal[1]
    seac: str = Field(description="version of the program")
    step: float = Field(gt=0, description="seconds between audio steps")
    video: VideoRecord
    labels: tuple[str, ...] = Field(min_length=1, description="background, then the vocabulary")
    audio_labels: tuple[str, ...] = Field(description="classes of the audio encoder")
    threshold: float = Field(ge=0, le=1, description="minimum probability of a sounding mask, by default")
    margin: float = Field(
        ge=0, description="maximum distance of a sounding mask from the likeliest of its step, in log-odds"
    )
    settings: dict[str, Any] = Field(description="all settings of the run")
    provenance: dict[str, Any] = Field(description="versions of weights and of parts")
    files: dict[str, FileRecord] = Field(description="the tables by file name")


HEAD = """# The result folder

`seac segment` writes what the networks found in a video into the subfolder `store`, before any threshold.
`seac decide` and `seac export` make overlays, timelines and annotation files from it without running a
network, and `seac.open_result(folder)` gives it back as values. This page is printed from the code by
`python -m seac.results.schema > docs/result_folder.md`.

```python
import seac

result = seac.open_result("result_folder")
for track in result.tracks:
    print(track.id, track.start, track.stop)
for frame in result.key_frames():  # one at a time, whatever the length of the video
    print(frame.time, frame.probability)
```

Networks run on key frames; probabilities follow the audio in steps. Row `s` of `steps.parquet` is the audio
from `s * step` to `(s + 1) * step` seconds. A track is one object over time. Tables are Parquet with
Zstandard in row groups, so that reading needs the memory of one row group. `manifest.json` is written last
and holds the number of rows, the size and the checksum of each table. A program reads results of its own
version of the schema and of earlier ones.
"""


def describe() -> str:
    """The page ``docs/result_folder.md``."""
    parts = [HEAD, f"Version of the schema: {VERSION}.\n"]
    for title, model in (("`manifest.json`", ManifestRecord), ("`video` of the manifest", VideoRecord)):
        parts.append(f"## {title}\n\n" + _markdown(_fields(model.model_json_schema())))
    for name, columns in TABLES.items():
        rows = [(f"`{each.name}`", str(each.type).replace(" not null", ""), each.meaning) for each in columns]
        parts.append(f"## `{name}`\n\n" + _markdown(rows))
    return "\n".join(parts)


def _fields(schema: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"`{name}`", _json_type(found), str(found.get("description", "")))
        for name, found in schema["properties"].items()
    ]


def _json_type(found: Mapping[str, Any]) -> str:
    if "anyOf" in found:
        return " or ".join(_json_type(each) for each in found["anyOf"])
    return repr(found["const"]) if "const" in found else str(found.get("type", "object"))


def _markdown(rows: list[tuple[str, str, str]]) -> str:
    lines = ["| name | type | meaning |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


if __name__ == "__main__":
    print(describe(), end="")  # noqa: T201
