"""Check of all files of a benchmark for missing, damaged and unusual files."""

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
"""Findings to be fixed: a missing file; a file that cannot be read; a mask of another size than its image; an
id that is listed twice."""

NOTICES = ("box outside", "empty truth", "silent")
"""Findings that need no fix: a box with a corner outside the image; a frame without annotation; an audio file
that is silent."""

SILENCE = 1e-4
"""Peak below which audio counts as silent (-80 dB of full scale)."""


@dataclass(frozen=True)
class Finding:
    """A finding: ``kind`` is in :data:`FAULTS` or :data:`NOTICES`, ``line`` describes it in one line."""

    kind: str
    split: str
    clip: str
    file: Path
    line: str


@dataclass(frozen=True)
class CheckReport:
    """Result of a check.

    Attributes:
        counts: by split, numbers of ``clips``, ``frames``, ``masks`` (or ``boxes``) and ``audio`` files that
            the metadata lists, and of findings by kind.
        findings: in the order of the clips.
        deep: whether every file was decoded.
    """

    counts: dict[str, Counter[str]]
    findings: tuple[Finding, ...]
    deep: bool

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Findings to be fixed."""
        return tuple(finding for finding in self.findings if finding.kind in FAULTS)


def check(
    reader: Reader, *, deep: bool = False, threads: int = 8, step: Callable[[], None] = lambda: None
) -> CheckReport:
    """Check all files of a benchmark.

    Args:
        reader: opened with ``strict=False``, so that duplicated ids are counted and not refused.
        deep: decode all images, masks and audio files; otherwise only existence and headers are checked.
        threads: number of threads.
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
            counted[_truth_name(reader)] += sum(path is not None for path in clip.truth) or len(clip.boxes)
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
                }:  # a file that several clips share counts once
                    if (finding.kind, finding.file) in reported:
                        continue
                    reported.add((finding.kind, finding.file))
                counted[finding.kind] += 1
                found.append(finding)
            step()
    return CheckReport(counts, tuple(found), deep)


def _check_clip(reader: Reader, clip: Clip, deep: bool) -> Iterator[Finding]:
    truth = clip.truth or (None,) * len(clip.frames)
    for number, (image, path) in enumerate(zip(clip.frames, truth, strict=True)):
        errors = _check_file(image), _check_file(path)
        for file, problem in zip((image, path), errors, strict=True):
            if file is not None and problem is not None:
                yield _finding(problem[0], clip, file, problem[1])
        if errors != (None, None):
            continue
        if path is not None and (line := _compare_sizes(image, path)) is not None:
            yield _finding("size", clip, path, line)
            continue
        if deep:
            yield from _check_decoded(reader, clip, number)
    yield from _check_boxes(clip)
    yield from _check_audio(reader, clip, deep)


def _check_file(path: Path | None) -> tuple[str, str] | None:
    """(kind, line) of the problem of a file, judged by its header; None if there is none."""
    if path is None:
        return None
    if not path.is_file():
        return "missing", f"{path}: no such file; check that the download is complete"
    if path.stat().st_size == 0:
        return "broken", f"{path}: is empty (0 bytes); download it again"
    if path.suffix in images.SUFFIXES:
        try:
            images.read_image_size(path)
        except InputError as error:
            return "broken", str(error)
    return None


def _compare_sizes(image: Path, mask: Path) -> str | None:
    if image.suffix not in images.SUFFIXES or mask.suffix not in images.SUFFIXES:
        return None
    (height, width), (rows, columns) = images.read_image_size(image), images.read_image_size(mask)
    if (height, width) == (rows, columns):
        return None
    return f"{mask}: {columns} x {rows} pixels, but its image has {width} x {height}"


def _check_decoded(reader: Reader, clip: Clip, number: int) -> Iterator[Finding]:
    image = clip.frames[number]
    try:
        reader.image(clip, number)
    except InputError as error:
        yield _finding("broken", clip, image, str(error))
    path = clip.truth[number] if clip.truth else None
    if not clip.visible or not getattr(reader, "annotated", True) or (clip.truth and path is None):
        return
    single_frame = replace(clip, frames=(image,), truth=(path,) if clip.truth else ())
    file = path or image
    try:
        empty = not bool((reader.truth(single_frame) > 0).any())
    except InputError as error:
        yield _finding("broken", clip, file, str(error))
        return
    if empty:
        yield _finding("empty truth", clip, file, f"{file}: no pixel of this frame is annotated")


def _check_boxes(clip: Clip) -> Iterator[Finding]:
    for box in clip.boxes:
        if min(box) < 0 or max(box) > 1:
            line = f"{clip.id}: box ({', '.join(f'{value:.4g}' for value in box)}) is clipped to 0..1"
            yield _finding("box outside", clip, clip.frames[0], line)


def _check_audio(reader: Reader, clip: Clip, deep: bool) -> Iterator[Finding]:
    problem = _check_file(clip.audio)
    if problem is not None:
        yield _finding(problem[0], clip, clip.audio, problem[1])
        return
    if not deep:
        return
    try:
        waveform, _ = reader.waveform(clip)
    except InputError as error:
        yield _finding("broken", clip, clip.audio, str(error))
        return
    if float(waveform.abs().max()) < SILENCE:
        yield _finding("silent", clip, clip.audio, f"{clip.audio}: audio is silent")


def _finding(kind: str, clip: Clip, file: Path, line: str) -> Finding:
    return Finding(kind, clip.split, clip.id, file, line)


def count_names(reader: Reader) -> tuple[str, ...]:
    """Names of the counts of a benchmark, in the order of the table."""
    return ("clips", "frames", _truth_name(reader), "audio", *FAULTS, *NOTICES)


def _truth_name(reader: Reader) -> str:
    return "boxes" if reader.kind is TruthKind.BOXES else "masks"
