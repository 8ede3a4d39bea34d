"""The table of the demo clip's media, its page of licences, and Qt's resource format."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from demo.make_clip import SCENES, SOUNDS
from demo.media import PACKAGES, PIECES, Package, Piece, format_licences, read_piece, read_resources
from seac.core.errors import InputError
from tests.conftest import REPO

FREE = {"Public Domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-SA-4.0", "GPL-3.0"}


def resources(files: dict[str, bytes], flags: int = 1) -> bytes:
    """A file of Qt resources with a folder ``a`` of some files."""
    names, offsets = b"", {}
    for name in ("a", *files):
        offsets[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    contents, nodes = b"", [struct.pack(">IH2I", 0, 2, 1, 1)]
    nodes.append(struct.pack(">IH2I", offsets["a"], 2, len(files), 2))
    for name, data in files.items():
        packed = struct.pack(">I", len(data)) + zlib.compress(data) if flags & 1 else data
        nodes.append(struct.pack(">IHHHI", offsets[name], flags, 0, 0, len(contents)))
        contents += struct.pack(">I", len(packed)) + packed
    tree = b"".join(nodes)
    head = struct.pack(">4s4I", b"qres", 1, 20, 20 + len(tree), 20 + len(tree) + len(contents))
    return head + tree + contents + names


def test_the_page_of_licences_is_that_of_the_table() -> None:
    assert (REPO / "demo/LICENCE.md").read_text("utf-8") == format_licences(), (
        "python -m demo.media --licence demo/LICENCE.md"
    )


def test_every_piece_is_free_named_and_used() -> None:
    shown = {panel.piece for scene in SCENES for panel in scene.panels}
    audible = {sound.piece for sound in SOUNDS} | {scene.movie for scene in SCENES if scene.movie}
    assert shown | audible == set(PIECES)
    for piece in PIECES.values():
        assert piece.licence in FREE
        assert piece.author
        assert piece.package in PACKAGES
        assert len(piece.sha256) == 64


@pytest.mark.parametrize("flags", [0, 1])
def test_resources_are_read(flags: int) -> None:
    files = {"one.webp": b"first" * 9, "two.ogg": b"second"}
    found = dict(read_resources(resources(files, flags)))
    assert found == {f"a/{name}": data for name, data in files.items()}


def test_other_formats_are_refused() -> None:
    with pytest.raises(InputError, match="not a file of Qt resources"):
        dict(read_resources(b"PNG"))
    with pytest.raises(InputError, match="not zlib"):
        dict(read_resources(resources({"one": b"x"}, flags=4)))


def test_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "movie.mp4").write_bytes(b"another version")
    package = Package("samples", "1", "", "debian/copyright")
    piece = Piece("samples", "movie.mp4", "", "somebody", "CC0-1.0", "the package", "0" * 64)
    with pytest.raises(InputError, match=r"movie.mp4 of samples .* version 1"):
        read_piece(piece, package, tmp_path)
