"""Reading is strict: exactly the released names, and no code is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr import MDefDetr
from seac.segment.detectors.mdef_detr.checkpoint import IGNORED, save


@pytest.mark.parametrize("name", ["network.pth", "network.safetensors"])
def test_a_checkpoint_survives_a_round_trip(tiny: MDefDetr, tmp_path: Path, name: str) -> None:
    save(tiny, tmp_path / name)
    loaded = MDefDetr.from_checkpoint(tmp_path / name)
    assert not loaded.training
    expected = tiny.state_dict()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.state_dict().items())
    ids, pixels = torch.tensor([[0, 1250, 8720, 2]]), torch.zeros(1, 3, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(loaded(pixels, ids), tiny(pixels, ids))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_half_precision_files_become_float32(tiny: MDefDetr, tmp_path: Path) -> None:
    save(tiny, tmp_path / "half.safetensors", torch.float16)
    assert MDefDetr.from_checkpoint(tmp_path / "half.safetensors").query_embed.weight.dtype == torch.float32


def save_changed(tiny: MDefDetr, path: Path, **entries: Any) -> Path:
    """Write a checkpoint with some entries added, replaced or (None) removed."""
    state: dict[str, Any] = {
        **tiny.state_dict(),
        **{key.replace("__", "."): new for key, new in entries.items()},
    }
    torch.save({"model": {key: tensor for key, tensor in state.items() if tensor is not None}}, path)
    return path


def test_old_files_may_hold_position_ids(tiny: MDefDetr, tmp_path: Path) -> None:
    MDefDetr.from_checkpoint(save_changed(tiny, tmp_path / "old.pth", **{IGNORED: torch.arange(40)[None]}))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"query_embed__weight": None}, "missing (query_embed.weight)"),
        ({"transformer__level_embed": torch.zeros(4)}, "misshapen"),
        ({"class_embed__3__bias": None}, "1 missing (class_embed.3.bias)"),
        ({"extra": torch.zeros(1)}, "1 unexpected (extra)"),
        ({"class_embed__2__bias": torch.zeros(3)}, "class_embed.2.bias (3,) instead of (16,)"),
        ({"transformer__level_embed": torch.zeros(4, 33)}, "widths"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(
    tiny: MDefDetr, tmp_path: Path, entries: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        MDefDetr.from_checkpoint(save_changed(tiny, tmp_path / "wrong.pth", **entries))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    torch.save({"model": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="1091 missing"):
        MDefDetr.from_checkpoint(tmp_path / "other.pth")


def test_code_is_never_executed(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"model": Malicious()}, tmp_path / "malicious.pth")
    with pytest.raises(InputError):
        MDefDetr.from_checkpoint(tmp_path / "malicious.pth")
    assert not (tmp_path / "executed").exists()


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        MDefDetr.from_checkpoint(tmp_path / "none.pth")
