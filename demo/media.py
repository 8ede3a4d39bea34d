"""The media of the demo clip: where they are in Debian packages, who made them, and under which licence.

    python -m demo.media --licence demo/LICENCE.md

writes the table of licences. The photographs were chosen for their licence and because one sees well what
sounds; no mask was predicted on them before.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recipes.common.recordings import unpack_package
from seac.core.errors import InputError

ANIMALS = "gcompris/src/activities/explore_farm_animals/resource/animals"
MUSIC = "gcompris/src/activities/explore_world_music/resource/music"
MOVIE = "usr/share/forensics-samples/original-files/movie2/movie-hello.mp4"
COMMONS = "Wikimedia Commons, File:"
ZLIB, FOLDER = 1, 2
"""Flags of a node of Qt resources."""


@dataclass(frozen=True)
class Package:
    """A Debian package.

    Attributes:
        name: name of the package.
        version: version whose files have the sha256 of the table.
        resources: folder of files in the format of Qt's resource compiler; empty if the files lie bare.
        evidence: where the package states the licences of the files.
    """

    name: str
    version: str
    resources: str
    evidence: str


@dataclass(frozen=True)
class Piece:
    """A photograph, a recording or a video.

    Attributes:
        package: key of :data:`PACKAGES`.
        path: path in the package, or in its Qt resources.
        resource: file of Qt resources that has the piece; empty if none.
        author: author.
        licence: licence.
        source: where the package has it from.
        sha256: of the file.
    """

    package: str
    path: str
    resource: str
    author: str
    licence: str
    source: str
    sha256: str


PACKAGES = {
    "gcompris-qt-data": Package(
        "gcompris-qt-data",
        "3.1-2",
        "usr/share/gcompris-qt/rcc",
        "the file README beside each piece",
    ),
    "forensics-samples-files": Package("forensics-samples-files", "1.1.4-5", "", "debian/copyright"),
}


def animal(name: str, author: str, licence: str, source: str, sha256: str) -> Piece:
    """A piece of GCompris' farm animals."""
    path = f"{ANIMALS}/{name}"
    return Piece("gcompris-qt-data", path, "explore_farm_animals", author, licence, source, sha256)


def recording(name: str, sha256: str) -> Piece:
    """A recording of a farm animal: all have the same authors."""
    return animal(name, "Bruno Coudoin and others, 2000, 2008", "GPL-3.0", "GCompris", sha256)


def music(name: str, author: str, licence: str, source: str, sha256: str) -> Piece:
    """A piece of GCompris' music of the world."""
    path = f"{MUSIC}/{name}"
    return Piece("gcompris-qt-data", path, "explore_world_music", author, licence, source, sha256)


PIECES: dict[str, Piece] = {
    "dog": animal(
        "dog.webp",
        "Hans Kemperman",
        "Public Domain",
        f"{COMMONS}German-shepherd-4040871920._(2).jpg",
        "5e9d9544495740101e4cfff817d986b683731112b2cf17fde2e4c2a26c3c5314",
    ),
    "dog barks": recording("dog.ogg", "9f973cbeb4ee92471d534eed0ce50ed8ec78c3fe2a37abc4c0ad388e2de5bb52"),
    "sheep": animal(
        "sheep.webp",
        "Rob Mitchell",
        "CC0-1.0",
        f"{COMMONS}Sheep_(33625876592).jpg",
        "3bac61d5dabb709cdea2511f63bab6bfcde9736536a39f1f7510f5258a75b088",
    ),
    "sheep bleats": recording(
        "sheep.ogg", "89246f9f02a72734705705d0cee65812704a245d57adeea292afdfe413d72764"
    ),
    "duck": animal(
        "duck.webp",
        "Bernard Spragg",
        "CC0-1.0",
        f"{COMMONS}Aylesbury_Duck._(9373723157).jpg",
        "fa4572f2022a3aded4b627b9234fb8abf1658d125b267dc8d28cb1a8213c3b60",
    ),
    "duck quacks": recording("duck.ogg", "8a7c3aa02de595f13abc0aecf28bae7e69c6755ed28600b983cfcaaac8432f21"),
    "drum kit and electric guitar": music(
        "america.webp",
        "Tom Harpel",
        "CC-BY-2.0",
        f"{COMMONS}Onalaska-Practice6.jpg",
        "72af64588442d1e251ed33568629d35bf88b3fa348def66265320571bdda0927",
    ),
    "rock band": music(
        "america.ogg",
        "Karel Schmiedberger",
        "CC-BY-3.0",
        f"{COMMONS}08-rock-n-roll.ogg",
        "3c4395ea491d9793e62171be095b4438eefdef82efcc2c322b73dfe636fcc536",
    ),
    "man speaks": Piece(
        "forensics-samples-files",
        MOVIE,
        "",
        "Joao Eriberto Mota Filho, 2019-2020",
        "CC-BY-SA-4.0",
        "the package",
        "68162af4e15b20fb61261e55de79e989f53d6295f6226b4bda1905b8c40e9676",
    ),
    "cow": animal(
        "cow.webp",
        "Dohduhdah",
        "Public Domain",
        f"{COMMONS}Cow-IMG_2050.JPG",
        "db359136be5ef7c435a2521e7f782a7f13ab48634f8a955864b1557ca21926db",
    ),
    "cow moos": recording("cow.ogg", "1b9dac02c4caba54198cb3bb112afe908c04f78a1b6906a428ed3d1501673213"),
}
"""Name in the scenes of :mod:`demo.make_clip` -> piece."""


def fetch(folder: Path) -> dict[str, Path]:
    """Download the packages with apt and write the pieces into a folder.

    Returns:
        the file of each piece, by name.

    Raises:
        InputError: a piece is missing or has other content.
        subprocess.CalledProcessError: apt or dpkg failed.
    """
    found = {}
    for package in PACKAGES.values():
        with tempfile.TemporaryDirectory() as scratch:
            content = unpack_package(package.name, Path(scratch))
            for name, piece in PIECES.items():
                if piece.package == package.name:
                    found[name] = folder / f"{name.replace(' ', '_')}{Path(piece.path).suffix}"
                    found[name].write_bytes(read_piece(piece, package, content))
    return found


def read_piece(piece: Piece, package: Package, content: Path) -> bytes:
    """The bytes of a piece in an unpacked package.

    Raises:
        InputError: it is missing or has other content.
    """
    if piece.resource:
        resources = (content / package.resources / piece.resource).with_suffix(".rcc")
        data = dict(read_resources(resources.read_bytes())).get(piece.path, b"")
    else:
        data = (content / piece.path).read_bytes()
    if hashlib.sha256(data).hexdigest() != piece.sha256:
        raise InputError(
            f"{piece.path} of {package.name} is missing or has other content: the table is of version "
            f"{package.version}; check the licence, then write the new sha256"
        )
    return data


def read_resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of every file of Qt's resource format.

    The format: a tree of nodes of fixed size, each with the offset of its name. A folder has the number and
    the first of its children. A file has the offset of its content, which may be compressed by zlib.

    Raises:
        InputError: another format, or another compression.
    """
    if data[:4] != b"qres":
        raise InputError("not a file of Qt resources")
    version, tree, contents, names = struct.unpack(">4I", data[4:20])
    node_size = 14 if version == 1 else 22

    def walk(number: int, above: str) -> Iterator[tuple[str, bytes]]:
        start = tree + number * node_size
        name_start, flags = struct.unpack(">IH", data[start : start + 6])
        path = above
        if number:  # the root has no name
            at = names + name_start
            (length,) = struct.unpack(">H", data[at : at + 2])
            name = data[at + 6 : at + 6 + 2 * length].decode("utf-16-be")
            path = f"{above}/{name}" if above else name
        if flags & FOLDER:
            count, first = struct.unpack(">2I", data[start + 6 : start + 14])
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        if flags & ~(FOLDER | ZLIB):
            raise InputError(f"{path}: is compressed in a way that is not zlib")
        at = contents + struct.unpack(">I", data[start + 10 : start + 14])[0]
        (length,) = struct.unpack(">I", data[at : at + 4])
        content = data[at + 4 : at + 4 + length]
        yield path, zlib.decompress(content[4:]) if flags & ZLIB else content

    yield from walk(0, "")


def format_licences() -> str:
    """The text of LICENCE.md."""
    packages = [f"| {each.name} | {each.version} | {each.evidence} |" for each in PACKAGES.values()]
    rows = [
        f"| {name} | {piece.package} | `{piece.path}` | {piece.author} | {piece.licence} | {piece.source} |"
        for name, piece in PIECES.items()
    ]
    lines = [
        "# The demo clip: what it is made of",
        "",
        "`clip.mp4` is five scenes, one after another: photographs with a recording of what is seen, and",
        "a video of a man who speaks. `python -m demo.make_clip` downloads the Debian packages and renders",
        "the clip; `python -m demo.media --licence demo/LICENCE.md` writes this page.",
        "",
        "Every scene is a work of its own; the clip is a collection of them. It is data beside the program,",
        "is not in the wheel, and does not change the licence of the program. Photographs were cropped and",
        "scaled, recordings were cut, repeated and scaled, the video was cropped to the man.",
        "",
        "| scene | licence of the scene |",
        "| --- | --- |",
        "| the dog; the sheep and the duck; the cow | GPL-3.0, that of the recordings |",
        "| the drum kit and the electric guitar | CC-BY-3.0, with the authors named below |",
        "| the man who speaks | CC-BY-SA-4.0, (c) 2019-2020 Joao Eriberto Mota Filho |",
        "",
        "| piece | package | path | author | licence | source |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        "| package | version | where it states the licence |",
        "| --- | --- | --- |",
        *packages,
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table of licences."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--licence", type=Path, required=True, help="the page to write")
    parser.parse_args().licence.write_text(format_licences(), encoding="utf-8")


if __name__ == "__main__":
    main()
