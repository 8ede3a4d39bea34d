"""What must not be in the package, and what hostile files must not do."""

from __future__ import annotations

import ast
import io
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from benchmarks.exports import FORMATS
from seac.core.errors import InputError
from seac.jobs.progress import frame_progress, print_line
from seac.media.image import MAX_FILE_PIXELS, read_image
from seac.training import checkpoint
from tests.conftest import REPO
from tests.export.sample import audio_file, export
from tests.export.sample import decided as decided_sample

PACKAGE = REPO / "src/seac"
CODE_LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
RAY = "extraction/ray_engine.py"
"""Features travel between machines of the user's own cluster, see SECURITY.md."""
SYSTEM_MODULES = {"fcntl", "msvcrt", "resource", "termios", "pwd", "grp"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.split(".")[0]}
    return set()


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(item.value) for item in call.keywords if item.arg == name), None)


def test_no_file_imports_a_loader_that_runs_code() -> None:
    found = {
        (name, module)
        for name, tree in trees()
        for node in ast.walk(tree)
        for module in imported(node) & CODE_LOADERS
    }
    assert found == {(RAY, "pickle")}


def test_nothing_is_evaluated_and_files_are_read_as_data_only() -> None:
    for name, tree in trees():
        for function, call in calls(tree):
            assert function not in ("eval", "exec", "compile", "os.system", "os.popen"), name
            assert keyword(call, "shell") is not True, name
            if function == "torch.load":
                assert keyword(call, "weights_only") is True, name
            if function in ("np.load", "numpy.load"):
                assert keyword(call, "allow_pickle") is False, name
            if function.endswith("from_pretrained"):
                assert keyword(call, "trust_remote_code") in (None, False), name


def test_modules_of_one_system_are_imported_on_use_and_nothing_forks() -> None:
    for name, tree in trees():
        assert not any(imported(node) & SYSTEM_MODULES for node in tree.body), name
        for function, _ in calls(tree):
            assert function not in ("os.fork", "os.forkpty"), name


class Malicious:
    """An object whose unpickling writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


def test_a_hostile_checkpoint_of_a_run_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    content = {name: {} for name in ("module", "optimiser", "history", "begun", "best")}
    torch.save({**content, "epoch": 0, "step": Malicious(proof)}, tmp_path / checkpoint.FILE)
    assert not checkpoint.is_checkpoint(tmp_path / checkpoint.FILE)
    with pytest.raises(InputError, match="is damaged"):
        checkpoint.load(tmp_path, {})
    assert not proof.exists()


@pytest.mark.parametrize("name", FORMATS)
def test_names_of_tracks_and_sources_lead_to_no_place_outside_the_folder(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "deep/er/out"
    video = decided_sample(audio_file(tmp_path))
    evil = ("../../escaped", "/tmp/seac-escaped", "..", "a/../../../b", "nul\x00byte", "=cmd()", "\x1b[2J")
    tracks = tuple(replace(track, name=evil[at % len(evil)]) for at, track in enumerate(video.tracks))
    export(name, inside, replace(video, tracks=tracks))
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(inside)]
    assert [path for path in outside if path.suffix != ".wav"] == []
    assert not Path("/tmp/seac-escaped").exists()


def bomb(width: int, height: int) -> bytes:
    """A PNG of many black pixels in few bytes."""
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    row = zlib.compress(bytes(1 + (width + 7) // 8) * min(height, 64))
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", row),
        (b"IEND", b""),
    ):
        out.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return out.getvalue()


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    side = int(MAX_FILE_PIXELS**0.5) + 1
    (tmp_path / "bomb.png").write_bytes(bomb(side, side))
    with pytest.raises(InputError, match=r"scale it below \d+ megapixels"):
        read_image(tmp_path / "bomb.png")
    content = bytearray()
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(buffer, "GIF")
    content[:] = buffer.getvalue()
    content[6:10] = b"\xff\xff\xff\xff"  # 65,535 x 65,535
    (tmp_path / "bomb.gif").write_bytes(content)
    with pytest.raises(InputError):
        read_image(tmp_path / "bomb.gif")


def test_names_are_printed_without_control_codes_and_are_no_markup() -> None:
    name = "a\x1b]0;title\x07\x1b[2J[red]b[/x]\u202e.mp4"
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=200)
    print_line(console, f"{name}: done")
    with frame_progress(console) as progress:
        progress.add_task(name.replace("\x1b", ""), total=1, rate="")
    first = written.getvalue().splitlines()[0]
    assert first == "a\\x1b]0;title\\x07\\x1b[2J[red]b[/x]\\u202e.mp4: done"
    assert "\x1b" not in str(InputError(name))
    assert "\u202e" not in str(InputError(name))


def test_a_message_is_short_whatever_it_quotes() -> None:
    message = str(InputError(f"{'x' * 100_000} is no name: give another one"))
    assert len(message) < 2_000
    assert message.endswith("give another one")


def test_entities_of_xml_are_not_expanded(tmp_path: Path) -> None:
    from seac.datasets.flickr_soundnet import read_boxes

    names = "".join(f'<!ENTITY a{depth + 1} "{f"&a{depth};" * 10}">' for depth in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "ha">{names}]><annotations><bbox><x1>&a9;</x1></bbox></annotations>'
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "boxes.xml").write_text(bomb, encoding=encoding)
        with pytest.raises(InputError, match="document type"):
            read_boxes(tmp_path / "boxes.xml")


def test_a_record_with_paths_outside_its_folder_gives_nothing_away(tmp_path: Path) -> None:
    """A hostile ``.seac.json`` must not make seac replace or remove files elsewhere."""
    from seac.export.folder import atomic_folder

    (tmp_path / "precious.txt").write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    files = {"../precious.txt": [], "/etc/passwd": [], "masks/../../precious.txt": []}
    record = {"format": "seac files 1", "made_of": None, "made": list(files), "files": files}
    (out / ".seac.json").write_text(json.dumps(record))
    with atomic_folder(out, ["masks/*.png"]) as temporary:
        (temporary / "masks").mkdir()
        (temporary / "masks/000000.png").write_bytes(b"png")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_temporary_folders_are_private(tmp_path: Path) -> None:
    from seac.export.folder import atomic_folder

    with atomic_folder(tmp_path / "out") as temporary:
        assert temporary.stat().st_mode & 0o077 == 0


def test_a_name_that_is_no_text_is_refused_before_the_work(tmp_path: Path, capsys) -> None:
    from seac.cli import app

    name = tmp_path / "caf\udce9.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(name)
    assert app.run(["segment", str(name), "--audio", str(name), "-o", str(tmp_path / "out")]) == 2
    assert "caf\\udce9.png: the name is no UTF-8 text" in capsys.readouterr().err
