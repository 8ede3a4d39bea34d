"""Instruments in hands: how many are found, with the sounding head that joins players and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.real_clips.annotation import AnnotatedFrame, Box, Thing
from benchmarks.real_clips.clips import Case, encode_own
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.pairs import loudest
from benchmarks.real_clips.scores import (
    FITS,
    box_region,
    coverage,
    heatmap_peak,
    inside,
    mask_fits,
)
from benchmarks.tables import table
from recipes.common.photographs import read_rows
from recipes.sounding.frames import UNKNOWN
from recipes.sounding.sources import recording_sources, source_of
from seac.core.result import FrameResult
from seac.core.types import EncodedAudio, EncodedImage
from seac.encoders.labels.sound_sources import sound_sources
from seac.media.decode import frames, load_waveform
from seac.pipeline import SeAC

CLIPS_WITH_INSTRUMENTS = ("instruments", "percussion")
INSTRUMENT = "instrument"
"""Group of the sound sources that are instruments."""
HEADS = ("default", "--with-players")
PAGE = """# Instruments and players

What `--with-players` changes: a person who touches a sounding instrument sounds as it does. Written by
`python -m benchmarks.real_clips --players`. Clips: annotated frames with instruments, by their own audio; in
hands, where the annotation has a player. Photographs: the dev photographs of instruments with regions, each
under a recording of its class; their players, if any, are not annotated. An instrument is found if the box of
a sounding mask fits its box, IoU at least .5.
"""


@dataclass(frozen=True)
class Played:
    """One frame with an instrument under one head.

    Attributes:
        media: "clips, in hands", "clips, alone" or "photographs".
        head: of :data:`HEADS`.
        found: whether a sounding mask fits the box of an instrument.
        peak: whether the peak of the heatmap is on an instrument.
        alone: whether the sounding masks cover the instruments, IoU at least .5.
        joined: whether they cover the instruments with their players.
        active: number of sounding masks.
    """

    media: str
    head: str
    found: bool
    peak: bool
    alone: bool
    joined: bool
    active: int


def score_played(result: FrameResult, frame: AnnotatedFrame, media: str, head: str) -> Played:
    """Score a result; ``frame`` has the instruments with their players as larger boxes."""
    small = AnnotatedFrame(frame.time, tuple(map(smallest, frame.required)), (), ())
    large = AnnotatedFrame(frame.time, tuple(map(largest, frame.required)), (), ())
    peak, region = heatmap_peak(result.heatmap), box_region(result[result.sounding])
    return Played(
        media,
        head,
        bool((mask_fits(result, small)[result.sounding] >= FITS).any()),
        peak is not None and inside(peak, [thing.box for thing in small.sounding]),
        coverage(region, small) >= FITS,
        coverage(region, large) >= FITS,
        len(result.display_rows()),
    )


def smallest(thing: Thing) -> Thing:
    """The thing by its smallest box only."""
    return Thing(thing.names, thing.box, None, thing.optional)


def largest(thing: Thing) -> Thing:
    """The thing by its larger box only."""
    return Thing(thing.names, thing.outer, None, thing.optional)


def run_players(
    models: Mapping[str, SeAC], images: EncodedImages, cases: Sequence[Case], folder: Path, seed: int
) -> Iterator[Played]:
    """Score frames with instruments under each model; each is encoded once.

    Args:
        models: by head; they differ in the sounding head.
        images: encodes frames.
        cases: annotated frames of clips.
        folder: with photos/dev and recordings/dev.
        seed: of the recordings of photographs.
    """
    model = next(iter(models.values()))
    for media, image, audio, frame in chain(
        clip_frames(model, images, cases), photograph_frames(model, images, folder, seed)
    ):
        for head, each in models.items():
            yield score_played(each.predict(image, audio, frame.time), frame, media, head)


Prepared = tuple[str, EncodedImage, EncodedAudio, AnnotatedFrame]
"""Name of the media, encoded image and audio, and what sounds."""


def clip_frames(model: SeAC, images: EncodedImages, cases: Sequence[Case]) -> Iterator[Prepared]:
    """Frames of clips with instruments under their own audio."""
    for case in cases:
        if case.clip.kind not in CLIPS_WITH_INSTRUMENTS or not case.frame.required:
            continue
        held = any(thing.larger is not None for thing in case.frame.required)
        frame = next(iter(frames(case.path, 1.0, model.settings.max_side, start=case.frame.time)))
        image = images.encode(frame.image, frame.original_size)
        media = "clips, in hands" if held else "clips, alone"
        yield media, image, encode_own(model, case), case.frame


def photograph_frames(model: SeAC, images: EncodedImages, folder: Path, seed: int) -> Iterator[Prepared]:
    """Photographs of instruments with boxes, each under a recording of its class."""
    generator, rate = np.random.default_rng(seed), model.stages.audio.sample_rate
    for row in read_rows(folder / "photos" / "dev"):
        frame, names = instruments_in(row), recordings_of(row)
        files = [file for name in names for file in sorted((folder / "recordings/dev" / name).glob("*"))]
        if frame is None or not files:
            continue
        with Image.open(folder / "photos" / "dev" / row["file"]) as opened:
            pixels = torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1).contiguous()
        waveform = load_waveform(files[int(generator.integers(len(files)))], rate)
        window = loudest(waveform, round(model.settings.audio_window * rate))
        image = images.encode(pixels, (int(pixels.shape[1]), int(pixels.shape[2])))
        yield "photographs", image, model.encode_audio(window, rate), frame


def instruments_in(row: Mapping[str, object]) -> AnnotatedFrame | None:
    """The instruments of a line of the index, or None if it has none with a box."""
    things = tuple(
        Thing((instance["class"],), relative_box(instance["box"], row), None, False)
        for instance in row.get("instances", ())  # type: ignore[attr-defined]  # a list of mappings
        if not instance["crowd"] and is_instrument(instance["class"])
    )
    return AnnotatedFrame(0.0, things, (), ()) if things else None


def recordings_of(row: Mapping[str, object]) -> list[str]:
    """Classes of recordings of the first instrument of a line of the index."""
    classes = [instance["class"] for instance in row.get("instances", ())]  # type: ignore[attr-defined]
    found = [source_of(name) for name in classes if is_instrument(name)][:1]
    return [name for name, sources in sorted(recording_sources().items()) if set(found) & set(sources)]


def is_instrument(name: str | None) -> bool:
    """Whether a class of photographs is an instrument."""
    source = source_of(name)
    return source != UNKNOWN and sound_sources()[source].group == INSTRUMENT


def relative_box(box: Sequence[float], row: Mapping[str, object]) -> Box:
    """A box in pixels as shares of the width and height of its photograph."""
    width, height = float(str(row["width"])), float(str(row["height"]))
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height


def report_players(found: Sequence[Played]) -> list[str]:
    """Lines of Markdown: shares by media and head."""
    rows = []
    for media in dict.fromkeys(each.media for each in found):
        for head in HEADS:
            part = [each for each in found if each.media == media and each.head == head]
            shares = [
                float(np.mean(column))
                for column in zip(*((p.found, p.peak, p.alone, p.joined) for p in part), strict=True)
            ]
            masks = float(np.mean([each.active for each in part]))
            rows.append([media, head, len(part), *(f"{share:.2f}" for share in shares), f"{masks:.1f}"])
    heads = (
        *("media", "sounding head", "frames", "instrument found", "peak on it"),
        *("covers the instrument", "covers it with the player", "sounding masks"),
    )
    return table(heads, rows)
