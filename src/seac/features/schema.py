"""The Parquet schema of a feature store: a row per clip, arrays as binary values.

Arrays are stored as raw little-endian bytes, the frames of a clip concatenated. ``counts`` holds the number
of masks of each frame, so that a frame is a slice. Nested lists would have to be decoded value by value. The
footer of each file holds an index (ids, counts), so that a store opens without reading rows.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pydantic import NonNegativeInt, PositiveInt, TypeAdapter
from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.features.clip_features import ClipFeatures, FrameFeatures

VERSION = 1
KEY = b"seac.store"
"""Metadata key of the footer: version, index, and the names of the files that this file replaces."""

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("video_id", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("start", pa.float64(), nullable=False),
        pa.field("times", pa.binary(), nullable=False),  # (T,) float64, seconds from start
        pa.field("sizes", pa.binary(), nullable=False),  # (T, 2) int32, height and width
        pa.field("counts", pa.binary(), nullable=False),  # (T,) int32, masks of every frame
        pa.field("boxes", pa.binary(), nullable=False),  # (sum of counts, 4) float32
        pa.field("scores", pa.binary(), nullable=False),  # (sum of counts,) float32
        pa.field("masks", pa.list_(pa.binary()), nullable=False),  # run-length code of every mask
        pa.field("local", pa.binary(), nullable=False),  # (sum of counts, d_m) float16
        pa.field("context", pa.binary(), nullable=False),  # likewise
        pa.field("local_probabilities", pa.binary()),  # (sum of counts, C) float16, or null
        pa.field("context_probabilities", pa.binary()),  # likewise
        pa.field("waveform", pa.binary(), nullable=False),  # (S,) int16
        pa.field("windows", pa.binary(), nullable=False),  # (W, d_a) float16
        pa.field("window_probabilities", pa.binary()),  # (W, C) float16, or null
    ]
)

# Probabilities are mostly near zero and compress well. Embeddings do not; they are stored uncompressed.
COMPRESSION = {
    name: "zstd"
    if name in ("masks", "local_probabilities", "context_probabilities", "window_probabilities")
    else "none"
    for name in SCHEMA.names
}


@dataclass(frozen=True)
class Footer:
    """The index in the footer of a data file.

    Attributes:
        ids: ids of the clips, by row.
        counts: number of masks of each frame of each clip.
        group: rows in a row group (the last group may have fewer).
        replaces: names of the files whose clips this file holds; they are removed after it is written.
    """

    ids: tuple[str, ...]
    counts: tuple[tuple[NonNegativeInt, ...], ...]
    group: PositiveInt
    replaces: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Serialise the footer to JSON."""
        return json.dumps(
            {
                "version": VERSION,
                "ids": self.ids,
                "counts": self.counts,
                "group": self.group,
                "replaces": self.replaces,
            }
        ).encode()

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes] | None) -> Footer:
        """Parse the footer in the metadata of a file.

        Raises:
            ValueError: the footer is missing, damaged or of another version.
        """
        try:
            found = json.loads((metadata or {})[KEY])
        except (KeyError, RecursionError):
            found = None
        if not isinstance(found, dict) or found.pop("version", None) != VERSION:
            raise ValueError(f"not a data file of a seac store of version {VERSION}")
        footer = _FOOTER.validate_python(found)
        if len(footer.counts) != len(footer.ids):
            raise ValueError(f"{len(footer.ids)} ids and {len(footer.counts)} counts")
        return footer


_FOOTER = TypeAdapter(Footer)


def clip_to_row(clip: ClipFeatures) -> dict[str, Any]:
    """Convert a clip to a row of :data:`SCHEMA`."""
    frames, windows = clip.frames, clip.windows
    local_probabilities = [frame.embeddings.local_probabilities for frame in frames]
    context_probabilities = [frame.embeddings.context_probabilities for frame in frames]
    return {
        "id": clip.id,
        "video_id": clip.video_id,
        "label": clip.label,
        "start": clip.start,
        "times": np.array([frame.time for frame in frames], "<f8").tobytes(),
        "sizes": np.array([frame.size for frame in frames], "<i4").tobytes(),
        "counts": np.array([len(frame) for frame in frames], "<i4").tobytes(),
        "boxes": _concatenate([frame.boxes for frame in frames], "<f4"),
        "scores": _concatenate([frame.scores for frame in frames], "<f4"),
        "masks": [code for frame in frames for code in frame.codes],
        "local": _concatenate([frame.embeddings.local for frame in frames], "<f2"),
        "context": _concatenate([frame.embeddings.context for frame in frames], "<f2"),
        "local_probabilities": _concatenate(local_probabilities, "<f2"),
        "context_probabilities": _concatenate(context_probabilities, "<f2"),
        "waveform": clip.waveform.numpy().astype("<i2", copy=False).tobytes(),
        "windows": _concatenate([windows.embeddings], "<f2"),
        "window_probabilities": _concatenate([windows.class_probabilities], "<f2"),
    }


def row_to_clip(row: Mapping[str, Any], mask_dim: int, audio_dim: int) -> ClipFeatures:
    """Convert a row of :data:`SCHEMA` to a clip.

    Args:
        row: values by column; binary values may be any buffer.
        mask_dim: d_m.
        audio_dim: d_a.

    Raises:
        ValueError: the lengths of the columns are inconsistent.
    """
    counts = np.frombuffer(row["counts"], "<i4").tolist()
    times = np.frombuffer(row["times"], "<f8").tolist()
    sizes = np.frombuffer(row["sizes"], "<i4").reshape(len(counts), 2).tolist()
    total = sum(counts)
    boxes = torch.split(array(row["boxes"], "<f4", 4), counts)
    scores = torch.split(array(row["scores"], "<f4"), counts)
    views = [torch.split(array(row[name], "<f2", mask_dim), counts) for name in ("local", "context")]
    class_probabilities = [
        _split_probabilities(row[name], total, counts)
        for name in ("local_probabilities", "context_probabilities")
    ]
    codes = list(row["masks"])
    if len(codes) != total or len(times) != len(counts):
        raise ValueError(f"{row['id']}: {len(codes)} masks and {len(times)} times for counts {counts}")
    frames, first = [], 0
    for at, count in enumerate(counts):
        embeddings = MaskEmbeddings(
            views[0][at], views[1][at], class_probabilities[0][at], class_probabilities[1][at]
        )
        frame_codes = tuple(bytes(code) for code in codes[first : first + count])
        size = (sizes[at][0], sizes[at][1])
        frames.append(FrameFeatures(times[at], size, boxes[at], scores[at], frame_codes, embeddings))
        first += count
    windows = array(row["windows"], "<f2", audio_dim)
    window_probabilities = _split_probabilities(row["window_probabilities"], len(windows), [len(windows)])[0]
    return ClipFeatures(
        row["id"],
        row["video_id"],
        row["label"],
        row["start"],
        tuple(frames),
        array(row["waveform"], "<i2"),
        AudioFeatures(windows, window_probabilities),
    )


def array(content: Any, dtype: str, width: int | None = None) -> Tensor:
    """Copy raw bytes to a tensor (n,) or (n, width).

    Raises:
        ValueError: the number of values is no multiple of ``width``.
    """
    flat = np.frombuffer(content, dtype)
    return torch.from_numpy((flat if width is None else flat.reshape(-1, width)).copy())


def payload(clip: ClipFeatures) -> bytes:
    """The bytes of a data file with a single clip; equal clips give equal bytes."""
    stream = io.BytesIO()
    counts = tuple(len(frame) for frame in clip.frames)
    with writer(stream, Footer((clip.id,), (counts,), 1)) as file:
        file.write_table(pa.Table.from_pylist([clip_to_row(clip)], schema=SCHEMA))
    return stream.getvalue()


def writer(stream: Any, footer: Footer) -> pq.ParquetWriter:
    """A Parquet writer for data files of a store; call ``write_table`` once per row group."""
    file = pq.ParquetWriter(
        stream,
        SCHEMA,
        compression=COMPRESSION,
        use_dictionary=False,
        write_statistics=False,
        data_page_size=1 << 30,
        store_schema=False,
    )
    file.add_key_value_metadata({KEY: footer.encode()})
    return file


def _concatenate(parts: Sequence[Tensor | None], dtype: str) -> bytes | None:
    """The bytes of the concatenated tensors; None if any of them is None."""
    tensors = [part for part in parts if part is not None]
    if len(tensors) < len(parts):
        return None
    return b"".join(
        np.ascontiguousarray(part.numpy().astype(dtype, copy=False)).tobytes() for part in tensors
    )


def _split_probabilities(content: Any, total: int, counts: list[int]) -> Sequence[Tensor | None]:
    """Class probabilities by frame; None for each frame if none are stored."""
    if content is None:
        return [None] * len(counts)
    width = len(np.frombuffer(content, "<f2")) // total if total else 0
    return torch.split(array(content, "<f2", width), counts) if total else [torch.zeros(0, 0)] * len(counts)
