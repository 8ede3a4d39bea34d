"""Look at every file of a benchmark before hours are spent on it: what is missing, broken or odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from seac.core.errors import InputError
from seac.datasets import images
from seac.datasets.clip import Clip, Reader, TruthKind

FAULTS = ("missing", "broken", "size", "duplicate")
"""What must be mended: no such file; a file that cannot be read; a mask of another size than its picture; an
id that is listed twice."""

METADATA_KEY = ("box outside", "empty truth", "silent")
"""What benchmarks hold by nature and should be known of: a corner outside the picture; a frame in which
nothing is annotated; a sound that is all silence."""

SILENCE = 1e-4
"""Peak below which a sound is silent (-80 dB of full scale)."""


@dataclass(frozen=True)
class Finding:
    """One odd thing: ``kind`` of :data:`FAULTS` or :data:`METADATA_KEY`, whose clip, which file, and one line."""

    kind: str
    split: str
    clip: str
    file: Path
    line: str


@dataclass(frozen=True)
class Health:
    """What a check found.

    Attributes:
        counts: by split, how many ``clips``, ``frames``, ``masks`` (or ``boxes``) and ``audio`` the metadata
            promises, and how many findings of each kind there are.
        findings: in the order of the clips.
        deep: whether every file was decoded.
    """

    counts: dict[str, Counter[str]]
    findings: tuple[Finding, ...]
    deep: bool

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Findings that must be mended."""
        return tuple(finding for finding in self.findings if finding.kind in FAULTS)


def check(
    reader: Reader, *, deep: bool = False, threads: int = 8, step: Callable[[], None] = lambda: None
) -> Health:
    """Look for every file of a benchmark.

    Args:
        reader: opened with ``strict=False``, so that duplicated ids can be counted.
        deep: decode every picture, mask and sound; without it, files are looked for and headers are read.
        threads: files that are looked at at once.
        step: called after each clip.
    """
    counts: dict[str, Counter[str]] = {}
    found: list[Finding] = []
    reported: set[tuple[str, Path]] = set()
    ids: set[tuple[str, str]] = set()
    with ThreadPoolExecutor(threads) as pool:
        checked = pool.map(lambda clip: tuple(_check_clip(reader, clip, deep)), reader.clips)
        for clip, findings in zip(reader.clips, checked, strict=True):
            counted = counts.setdefault(clip.split, Counter())
            counted.update(clips=1, frames=len(clip.frames), audio=1)
            counted[_promised(reader)] += sum(path is not None for path in clip.truth) or len(clip.boxes)
            if (clip.split, clip.id) in ids:
                line = f"{clip.id}: listed more than once in {reader.folder}; list each clip once"
                findings = (*findings, Finding("duplicate", clip.split, clip.id, reader.folder, line))
            ids.add((clip.split, clip.id))
            for finding in findings:
                if finding.kind in {
                    "missing",
                    "broken",
                    "size",
                    "empty truth",
                    "silent",
                }:  # a file of several clips counts once
                    if (finding.kind, finding.file) in reported:
                        continue
                    reported.add((finding.kind, finding.file))
                counted[finding.kind] += 1
                found.append(finding)
            step()
    return Health(counts, tuple(found), deep)


def _check_clip(reader: Reader, clip: Clip, deep: bool) -> Iterator[Finding]:
    truth = clip.truth or (None,) * len(clip.frames)
    for number, (image, path) in enumerate(zip(clip.frames, truth, strict=True)):
        errors = _unreadable(image), _unreadable(path)
        for file, why in zip((image, path), errors, strict=True):
            if file is not None and why is not None:
                yield _finding(why[0], clip, file, why[1])
        if errors != (None, None):
            continue
        if path is not None and (line := _other_size(image, path)) is not None:
            yield _finding("size", clip, path, line)
            continue
        if deep:
            yield from _decoded(reader, clip, number)
    yield from _boxes(clip)
    yield from _check_audio(reader, clip, deep)


def _unreadable(path: Path | None) -> tuple[str, str] | None:
    """(kind, line) of what is wrong with a file as far as its header tells; None where all is well."""
    if path is None:
        return None
    if not path.is_file():
        return "missing", f"{path}: no such file; is the download whole?"
    if path.stat().st_size == 0:
        return "broken", f"{path}: is empty (0 bytes); get it again"
    if path.suffix in images.SUFFIXES:
        try:
            images.size_of_file(path)
        except InputError as error:
            return "broken", str(error)
    return None


def _other_size(image: Path, mask: Path) -> str | None:
    if image.suffix not in images.SUFFIXES or mask.suffix not in images.SUFFIXES:
        return None
    (height, width), (rows, columns) = images.size_of_file(image), images.size_of_file(mask)
    if (height, width) == (rows, columns):
        return None
    return f"{mask}: {columns} x {rows} pixels, but its picture has {width} x {height}"


def _decoded(reader: Reader, clip: Clip, number: int) -> Iterator[Finding]:
    image = clip.frames[number]
    try:
        reader.image(clip, number)
    except InputError as error:
        yield _finding("broken", clip, image, str(error))
    path = clip.truth[number] if clip.truth else None
    if not clip.visible or not getattr(reader, "annotated", True) or (clip.truth and path is None):
        return
    alone = replace(clip, frames=(image,), truth=(path,) if clip.truth else ())
    file = path or image
    try:
        empty = not bool((reader.truth(alone) > 0).any())
    except InputError as error:
        yield _finding("broken", clip, file, str(error))
        return
    if empty:
        yield _finding("empty truth", clip, file, f"{file}: nothing is annotated in this frame")


def _boxes(clip: Clip) -> Iterator[Finding]:
    for box in clip.boxes:
        if min(box) < 0 or max(box) > 1:
            line = f"{clip.id}: box ({', '.join(f'{value:.4g}' for value in box)}) is clipped to 0..1"
            yield _finding("box outside", clip, clip.frames[0], line)


def _check_audio(reader: Reader, clip: Clip, deep: bool) -> Iterator[Finding]:
    why = _unreadable(clip.audio)
    if why is not None:
        yield _finding(why[0], clip, clip.audio, why[1])
        return
    if not deep:
        return
    try:
        waveform, _ = reader.waveform(clip)
    except InputError as error:
        yield _finding("broken", clip, clip.audio, str(error))
        return
    if float(waveform.abs().max()) < SILENCE:
        yield _finding("silent", clip, clip.audio, f"{clip.audio}: all of it is silence")


def _finding(kind: str, clip: Clip, file: Path, line: str) -> Finding:
    return Finding(kind, clip.split, clip.id, file, line)


def rows_of(reader: Reader) -> tuple[str, ...]:
    """Names of the counts of a benchmark, in the order of a table."""
    return ("clips", "frames", _promised(reader), "audio", *FAULTS, *METADATA_KEY)


def _promised(reader: Reader) -> str:
    return "boxes" if reader.kind is TruthKind.BOXES else "masks"
