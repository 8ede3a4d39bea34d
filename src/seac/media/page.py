"""The page ``docs/media.md``, printed from the code: ``python -m seac.media.page > docs/media.md``."""

from __future__ import annotations

from seac.media.animation import DEFAULT_LENGTH, SHORTEST
from seac.media.clock import DISCONTINUOUS_GAP, DISCONTINUOUS_RESET, MAX_GAP, RESET
from seac.media.damage import EARLY
from seac.media.downmix import MIN_SHARE
from seac.media.hdr import WHITE
from seac.media.image import FORMATS, MAX_FILE_PIXELS, MAX_SIDE, MOVING
from seac.media.live import PIPE
from seac.media.pixels import BACKGROUND, HD_LINES, MAX_ASPECT
from seac.media.presentation import HOLD
from seac.media.sources import AUDIO_SUFFIXES, DIFFERENCE, IMAGE_SUFFIXES, VIDEO_SUFFIXES

RULES: tuple[tuple[str, str], ...] = (
    ("kind of a file", "by content: an image of Pillow, else a container of FFmpeg; the name does not count"),
    (
        "still image",
        f"{', '.join(FORMATS)}; EXIF orientation is applied; of several pages the first; at most "
        f"{MAX_FILE_PIXELS // 1_000_000} megapixels, scaled to {MAX_SIDE} pixels",
    ),
    (
        "animated image",
        f"{', '.join(sorted(MOVING))}: its images in time, once; {DEFAULT_LENGTH} ms for an image that "
        f"names at most {SHORTEST} ms",
    ),
    ("time", "from the beginning of the file, the same for video and audio; variable frame rate is kept"),
    (
        "clock that goes back",
        f"by more than {RESET:g} s ({DISCONTINUOUS_RESET:g} s in MPEG-TS, MPEG-PS, Ogg): time resumes",
    ),
    (
        "clock that leaps ahead",
        f"by more than {MAX_GAP:g} s ({DISCONTINUOUS_GAP:g} s in MPEG-TS, MPEG-PS, Ogg) beyond all tracks: "
        "likewise",
    ),
    ("pause of one track", "kept while another track goes on: silence, or the last frame"),
    ("late video", "its first frame is shown from the beginning"),
    (
        "audio that outlasts its video",
        f"by more than {HOLD:g} s: the last frame stands to the end of the audio",
    ),
    ("audio of another length", f"a note, from {DIFFERENCE:g} s on"),
    (
        "several tracks",
        "the one marked as default, else the first; cover art is no video; a note names the track",
    ),
    ("damaged packets", "left out, and counted in a note; a file of which nothing can be decoded is refused"),
    ("truncated file", f"what is there; a note where the header names {EARLY:g} s more"),
    ("display matrix", "all eight orientations"),
    (
        "pixel aspect",
        f"frames, masks and overlay have square pixels, the short side enlarged; ratios beyond {MAX_ASPECT:g}"
        " are ignored; `original_size` is that of the stored pixels",
    ),
    ("colour matrix and range", f"as named; without a name BT.709 from {HD_LINES} lines on, else BT.601"),
    (
        "HDR",
        f"PQ and HLG become SDR: white of {WHITE:g} nits nearly white, highlights rolled off; BT.2020 in more"
        " than 8 bits without a named transfer counts as PQ",
    ),
    ("transparency", f"blended with grey {BACKGROUND}"),
    ("interlaced video", "both fields of a frame, as stored"),
    (
        "mono",
        "the usual mix of FFmpeg; where it has less than "
        f"{MIN_SHARE:g} of the loudest channel, as in opposite phase, that channel",
    ),
    (
        "pipes, devices, addresses",
        f"read once, as a stream; a pipe without a writer is refused after {PIPE:g} s",
    ),
    ("names", "text everywhere; a path that exists is a file, also with a colon"),
    ("folders", "files by suffix, of other suffixes by content; what is left out is named at the end"),
)
"""What is read, and how."""


def render() -> str:
    """The page."""
    rows = "\n".join(f"| {name} | {rule} |" for name, rule in RULES)
    tables = (("video", VIDEO_SUFFIXES), ("image", IMAGE_SUFFIXES), ("audio", AUDIO_SUFFIXES))
    suffixes = "\n".join(f"| {kind} | {' '.join(sorted(table))} |" for kind, table in tables)
    return f"""# Media files

What is read, and how. This page is printed by `python -m seac.media.page > docs/media.md`. The rules are
tested with the files of `tests/fixtures/torture.py`; `python -m tests.fixtures.torture FOLDER` writes them.

| what | how it is read |
| --- | --- |
{rows}

Notes are printed after a clip, and are `notes` of the line of `--json`. In Python,
`VideoPredictor.key_frames` and `.stream` fill a `seac.media.damage.Damage`.

## Suffixes

In a folder these suffixes tell what a file is; the content of other files is looked at. Whatever its suffix,
a file is then read as what it holds.

| kind | suffixes |
| --- | --- |
{suffixes}
"""


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201
