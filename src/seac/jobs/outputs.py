"""Exports of a decision: second pass of ``seac segment``, and all of ``seac decide`` and ``seac export``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from seac.core.errors import InputError
from seac.export.exporter import Exporter, WithoutFrames
from seac.export.table import ExporterClass
from seac.results.reader import VideoResult
from seac.results.values import DecidedVideo, FrameMasks
from seac.video.render import every_frame, key_frames_only


def ignore_progress(frames: int) -> None:
    """Take the number of frames that are done, and show nothing."""


def write_exports(
    result: VideoResult,
    decided: DecidedVideo,
    classes: Mapping[str, ExporterClass],
    folder: Path,
    advance: Callable[[int], None] = ignore_progress,
) -> None:
    """Write exports into a folder; the source is decoded only if one of them needs its images.

    Args:
        result: its source has been located, see :func:`locate_source`.
        decided: the decision.
        classes: exporters by name, in the order in which they are closed.
        folder: an existing folder.
        advance: is called with 1 after every frame.

    Raises:
        InputError: the source cannot be decoded.
    """
    with ExitStack() as stack:
        exporters = []
        for build in reversed(tuple(classes.values())):  # an exit stack closes the last one first
            exporters.append(build(folder, decided))
            stack.callback(exporters[-1].close)
        on_every = [each for each in exporters if each.every_frame]
        on_key = [each for each in exporters if not each.every_frame and not isinstance(each, WithoutFrames)]
        if on_every:
            _feed(every_frame(result, decided), on_every, advance)
        if on_key:
            images = any(each.images for each in on_key)
            _feed(key_frames_only(result, decided, images=images), on_key, ignore_progress)


def _feed(
    frames: Iterable[FrameMasks], exporters: Iterable[Exporter], advance: Callable[[int], None]
) -> None:
    taking = tuple(exporters)
    for frame in frames:
        for each in taking:
            each.add(frame)
        advance(1)


def locate_source(
    result: VideoResult, given: Path | None, classes: Mapping[str, ExporterClass]
) -> VideoResult:
    """The result with the present place of its source.

    Args:
        result: from :func:`seac.open_result`.
        given: present place of the source; that of the result if None.
        classes: exporters that will be written.

    Raises:
        InputError: the source is not there and an exporter needs its images.
    """
    info = result.info
    if given is not None:
        if not given.is_file():
            raise InputError(f"{given}: no such file; give the video of {result.folder} with --source")
        source = str(given.resolve())
        audio = source if info.audio == info.source else info.audio
        return replace(result, info=replace(info, source=source, audio=audio))
    needs = [name for name, each in classes.items() if each.images or each.every_frame]
    if needs and not Path(info.source).is_file():
        raise InputError(
            f"{info.source}: the video of {result.folder} is not there any more, and {needs[0]} needs it; "
            "give its present place with --source FILE"
        )
    return result
