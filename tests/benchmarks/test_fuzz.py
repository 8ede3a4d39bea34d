"""A sample of the fuzz on every run, and the files of findings that were mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.fuzz.readers import READERS, Files
from benchmarks.fuzz.worker import case_files, read_case, write_files

SAMPLE = {
    **{"csv": 40, "json": 40, "calibration": 30, "vocabulary": 20, "arrays": 20, "checkpoints": 15},
    **{"feature store": 25, "result folder": 25, "safetensors": 30, "images": 20},
}
SEED = 11


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Files]]:
    return {name: READERS[name].seeds(tmp_path_factory.mktemp("seeds")) for name in SAMPLE}


@pytest.mark.parametrize("reader", SAMPLE)
def test_mutated_files_are_read_or_refused_in_one_line(
    reader: str, seeds: dict[str, list[Files]], tmp_path: Path
) -> None:
    for case in range(SAMPLE[reader]):
        files = case_files(reader, seeds[reader], SEED, case)
        folder = tmp_path / str(case)
        write_files(files, folder)
        found = read_case(reader, folder, next(iter(files)))
        assert found["outcome"] in ("ok", "refused"), (reader, case, found)


@pytest.mark.parametrize("reader", SAMPLE)
def test_the_seeds_are_read_by_something(reader: str, seeds: dict[str, list[Files]], tmp_path: Path) -> None:
    outcomes = set()
    for number, files in enumerate(seeds[reader]):
        write_files(files, tmp_path / str(number))
        outcomes.add(read_case(reader, tmp_path / str(number), next(iter(files)))["outcome"])
    assert outcomes <= {"ok", "refused"}
    if reader not in ("csv", "images", "safetensors"):  # their seeds are tried by readers of other kinds too
        assert "ok" in outcomes


def test_a_case_is_a_function_of_its_number(seeds: dict[str, list[Files]]) -> None:
    one, other = (case_files("json", seeds["json"], SEED, 3) for _ in range(2))
    assert one == other


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        ("calibration", "calibration.json"),
        ("json", ".seac.json"),
        ("json", "decision.json"),
        ("json", "vggss.json"),
    ],
)
def test_deeply_nested_json_is_refused(reader: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(DEEP)
    assert read_case(reader, tmp_path, name)["outcome"] == "refused"


def test_a_list_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "confidence.csv").write_bytes("id,confidence\né,0.5\n".encode("latin-1"))
    assert read_case("csv", tmp_path, "confidence.csv")["outcome"] == "refused"


def test_a_calibration_with_an_integer_beyond_floats_is_refused(
    seeds: dict[str, list[Files]], tmp_path: Path
) -> None:
    content = json.loads(seeds["calibration"][0]["calibration.json"])
    content["constants"]["slope"] = 10**400
    (tmp_path / "calibration.json").write_text(json.dumps(content))
    assert read_case("calibration", tmp_path, "calibration.json")["outcome"] == "refused"
