"""Feature stores: round trips, refusals and damage."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.features import open_store
from seac.features.batch import index_batches
from seac.features.clip_features import as_float, as_int16, decode_masks, encode_masks, to_float16
from seac.features.manifest import StoreProvenance
from seac.features.schema import SCHEMA, clip_to_row, payload, row_to_clip
from seac.features.verify import verify
from seac.features.writer import StoreWriter
from tests.fixtures.pairs import PROVENANCE, clip, same


def fill(
    folder: Path, numbers, *, provenance: StoreProvenance = PROVENANCE, compact: bool = True, **options
) -> Path:
    with StoreWriter(folder, provenance, **options) as writer:
        for number in numbers:
            writer.add(payload(clip(number)))
        if compact:
            writer.compact()
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.rglob("*.parquet"))


class TestFeatures:
    @given(
        counts=st.lists(st.integers(0, 4), min_size=1, max_size=4),
        class_probabilities=st.booleans(),
        label=st.none() | st.text(),
    )
    def test_a_clip_survives_the_conversion_to_a_row(self, counts, class_probabilities, label):
        given_ = clip(1, tuple(counts), class_probabilities=class_probabilities, label=label)
        assert same(row_to_clip(clip_to_row(given_), 4, 5), given_)

    def test_masks_survive_run_length_coding(self):
        masks = torch.rand(5, 13, 8) > 0.5
        assert torch.equal(decode_masks(encode_masks(masks), (13, 8)), masks)
        assert decode_masks((), (13, 8)).shape == (0, 13, 8)

    def test_int16_samples_survive_the_conversion_to_float(self):
        samples = torch.randint(-32768, 32768, (1000,), dtype=torch.int16)
        assert torch.equal(as_int16(as_float(samples)), samples)
        assert as_int16(torch.tensor([1.0, -1.0])).tolist() == [32767, -32768]

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e5])
    def test_values_outside_float16_are_refused(self, value):
        with pytest.raises(InputError, match="not finite"):
            to_float16(torch.tensor([0.0, value]))

    def test_equal_clips_give_equal_bytes(self):
        assert payload(clip(3)) == payload(clip(3))
        assert payload(clip(3)) != payload(clip(4))


class TestStore:
    def test_clips_are_read_in_order_of_id(self, tmp_path):
        store = open_store(fill(tmp_path / "s", [5, 3, 9, 1, 0]))
        assert store.ids == tuple(f"made/{n:04}" for n in (0, 1, 3, 5, 9))
        assert all(same(store[row], clip(number)) for row, number in enumerate((0, 1, 3, 5, 9)))
        assert same(store[-1], clip(9))
        assert store.find_row("made/0005") == 3
        with pytest.raises(InputError, match="made/0002"):
            store.find_row("made/0002")
        with pytest.raises(IndexError):
            store[5]

    def test_the_order_of_adding_does_not_matter(self, tmp_path):
        one, other = fill(tmp_path / "a", range(9)), fill(tmp_path / "b", reversed(range(9)))
        names = [sorted(path.stat().st_size for path in s.rglob("*.parquet")) for s in (one, other)]
        assert names[0] == names[1]
        assert all(same(a, b) for a, b in zip(open_store(one), open_store(other), strict=True))

    def test_the_geometry_of_masks_is_read_with_them(self, tmp_path):
        store = open_store(fill(tmp_path / "s", range(4)))
        there = (store.proposals > 0).nonzero().tolist()
        batch = store.read(
            *zip(*there, strict=True), masks=2, waveforms=False, probabilities=False, geometry=True
        )
        assert batch.geometry is not None
        for row, (at, frame) in enumerate(there):
            found, count = store[at].frames[frame], int(batch.mask_counts[row])
            height, width = found.size
            torch.testing.assert_close(
                batch.geometry.boxes[row, :count],
                found.boxes[:count] / torch.tensor([width, height, width, height]),
            )
            areas = found.proposals.masks[:count].float().mean((1, 2))
            torch.testing.assert_close(batch.geometry.areas[row, :count], areas)
            assert torch.equal(batch.geometry.scores[row, :count], found.scores[:count])
            assert not batch.geometry.areas[row, count:].any()

    def test_a_store_can_be_read_before_it_is_compacted(self, tmp_path):
        folder = fill(tmp_path / "s", range(4), compact=False)
        assert files(folder) == ["pending"] * 4
        before = list(open_store(folder))
        fill(folder, [])
        assert files(folder) == ["shards"]
        assert all(same(a, b) for a, b in zip(before, open_store(folder), strict=True))

    def test_a_full_shard_is_written_while_adding(self, tmp_path):
        size = len(payload(clip(0)))
        folder = fill(tmp_path / "s", range(10), compact=False, shard_bytes=size * 7 // 2)
        assert files(folder).count("shards") == 2
        assert files(folder).count("pending") == 2
        assert len(open_store(folder)) == 10

    def test_compacting_again_changes_nothing(self, tmp_path):
        folder = fill(tmp_path / "s", range(5))
        before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
        fill(folder, [])
        assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before

    def test_small_shards_become_one(self, tmp_path):
        for numbers in ([1, 4], [2], [3, 0]):
            fill(tmp_path / "s", numbers)
        assert files(tmp_path / "s") == ["shards"]
        assert [c.id for c in open_store(tmp_path / "s")] == [f"made/{n:04}" for n in range(5)]

    def test_a_clip_added_twice_is_stored_once(self, tmp_path):
        with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
            assert writer.add(payload(clip(1)))
            assert not writer.add(payload(clip(1)))
            writer.compact()
            assert not writer.add(payload(clip(1)))
        with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
            assert "made/0001" in writer
            assert not writer.add(payload(clip(1)))
        assert len(open_store(tmp_path / "s")) == 1

    def test_a_frame_for_training_is_a_slice_of_its_clip(self, tmp_path):
        store = open_store(fill(tmp_path / "s", range(6)))
        batch = store.read([4, 0, 4], [1, 0, 0], masks=2, waveforms=True)
        assert batch.local.shape == (3, 2, 4)
        assert batch.local.dtype == torch.float16
        for at, (row, frame) in enumerate([(4, 1), (0, 0), (4, 0)]):
            full = clip(row).frames[frame].embeddings
            assert torch.equal(batch.local[at], full.local[:2])
            assert torch.equal(batch.context[at], full.context[:2])
            assert torch.equal(batch.windows[at], clip(row).windows.embeddings)
            assert torch.equal(batch.waveforms[at], clip(row).waveform)
        assert store.read([1], [0], masks=9, waveforms=False).waveforms is None
        assert store.proposals.tolist() == [[3, 2]] * 6
        assert len(list(index_batches(store.proposals, 2, torch.Generator()))) == 3

    def test_frames_of_different_numbers_are_padded(self, tmp_path):
        with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
            writer.add(payload(clip(0, (1,))))
            writer.add(payload(clip(1, (0, 4, 2))))
        store = open_store(tmp_path / "s")
        assert store.proposals.tolist() == [[1, 0, 0], [0, 4, 2]]
        batch = store.read([0, 1], [0, 1], masks=50, waveforms=False)
        assert batch.mask_counts.tolist() == [1, 4]
        assert not batch.local[0, 1:].any()
        assert batch.mask_padding().sum() == 3

    def test_a_store_can_be_sent_to_another_process(self, tmp_path):
        store = open_store(fill(tmp_path / "s", range(4)))
        store.read([0], [0], masks=1, waveforms=False)
        again = pickle.loads(pickle.dumps(store))
        assert same(again[2], clip(2))
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(_waveform_length, (store, 3)) == len(clip(3).waveform)

    def test_few_files_are_open_at_a_time(self, tmp_path):
        folder = fill(tmp_path / "s", range(8), compact=False)
        store = open_store(folder, open_files=2, groups=1)
        for row in np.random.default_rng(0).permutation(8):
            assert same(store[int(row)], clip(int(row)))
        assert len(store._files) == 2
        assert len(store._tables) == 1

    def test_an_empty_store_is_valid(self, tmp_path):
        store = open_store(fill(tmp_path / "s", []))
        assert len(store) == 0
        assert store.proposals.shape == (0, 0)
        assert verify(tmp_path / "s", deep=True).problems == ()


def _waveform_length(store, row: int) -> int:
    return len(store[row].waveform)


class TestRefusals:
    def test_other_settings_are_refused_and_named(self, tmp_path):
        fill(tmp_path / "s", [1])
        other = StoreProvenance({**PROVENANCE.by, "top_n": "20"}, "paper", 4, 5, 16_000)
        with pytest.raises(InputError, match="made with top_n 50, not 20: ") as refused:
            fill(tmp_path / "s", [2], provenance=other)
        assert "\n" not in str(refused.value)
        assert len(open_store(tmp_path / "s")) == 1

    def test_the_name_of_a_preset_is_no_setting(self, tmp_path):
        fill(tmp_path / "s", [1])
        fill(tmp_path / "s", [2], provenance=StoreProvenance(PROVENANCE.by, "mine", 4, 5, 16_000))
        assert open_store(tmp_path / "s").preset == "tiny"

    def test_two_writers_at_a_time_are_refused(self, tmp_path):
        with (
            StoreWriter(tmp_path / "s", PROVENANCE),
            pytest.raises(InputError, match="another program writes"),
        ):
            StoreWriter(tmp_path / "s", PROVENANCE)
        fill(tmp_path / "s", [1])

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 9}', b"\xff"])
    def test_an_invalid_manifest_is_refused(self, tmp_path, content):
        (fill(tmp_path / "s", [1]) / "manifest.json").write_bytes(content)
        with pytest.raises(InputError, match=r"manifest\.json"):
            open_store(tmp_path / "s")

    def test_a_folder_without_a_store_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="no feature store"):
            open_store(tmp_path)

    def test_a_folder_that_cannot_be_created_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="cannot write"):
            StoreWriter(tmp_path / "file" / "s", PROVENANCE)


class TestDamage:
    def test_a_missing_shard_is_detected_and_written_again(self, tmp_path):
        folder = fill(tmp_path / "s", range(3))
        next(folder.glob("shards/*.parquet")).unlink()
        assert verify(folder).problems[0].endswith("is missing (3 clips)")
        with pytest.raises(InputError, match="missing or damaged"):
            open_store(folder)
        with StoreWriter(folder, PROVENANCE) as writer:
            assert writer.lost == 3
            assert len(writer) == 0
        fill(folder, range(3))
        assert verify(folder).problems == ()

    def test_a_changed_byte_is_detected(self, tmp_path):
        folder = fill(tmp_path / "s", range(3))
        path = next(folder.glob("shards/*.parquet"))
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
        assert "does not fit its checksum" in verify(folder).problems[0]

    def test_a_truncated_shard_is_renamed_and_its_clips_are_added_again(self, tmp_path):
        folder = fill(tmp_path / "s", range(3))
        path = next(folder.glob("shards/*.parquet"))
        path.write_bytes(path.read_bytes()[:-100])
        assert "is not a data file of a store" in verify(folder).problems[0]
        fill(folder, range(3))
        assert path.with_name(path.name + ".damaged").exists()
        assert [c.id for c in open_store(folder)] == [f"made/{n:04}" for n in range(3)]

    def test_a_clip_with_inconsistent_arrays_is_detected(self, tmp_path):
        wrong = StoreProvenance(PROVENANCE.by, "tiny", mask_dim=3, audio_dim=5, sample_rate=16_000)
        folder = fill(tmp_path / "s", [1], provenance=wrong)
        assert verify(folder).problems == ()
        assert "made/0001" in verify(folder, deep=True).problems[0]


def test_a_damaged_file_is_not_merged(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
        for number in range(3):
            writer.add(payload(clip(number)))
        damaged = sorted((tmp_path / "s" / "pending").iterdir())[1]
        content = damaged.read_bytes()
        damaged.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
        writer.compact()
    (problem,) = verify(tmp_path / "s").problems
    assert damaged.name in problem
    assert [path.name for path in (tmp_path / "s" / "pending").iterdir()] == [damaged.name]
    damaged.write_bytes(content)  # the read error was temporary
    with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
        writer.compact()
    assert verify(tmp_path / "s", deep=True).problems == ()


class TestHostileFiles:
    """Damage that the checksums of the footer do not show: opening does not read the rows."""

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("counts", b"\xff" * 8),
            ("boxes", b"123"),
            ("local", b"1"),
            ("sizes", b"\x00" * 16),
            ("masks", [b"ooooooooooooooo0"] * 5),
            ("window_probabilities", b"1"),
        ],
    )
    def test_a_damaged_row_is_refused_in_one_line(self, tmp_path, column, value):
        folder = fill(tmp_path / "s", range(2))
        (path,) = folder.glob("shards/*.parquet")
        with pq.ParquetFile(path) as file:
            table, notes = file.read(), dict(file.metadata.metadata)
        rows = table.to_pylist()
        rows[0][column] = value
        with pq.ParquetWriter(path, SCHEMA, store_schema=False) as writer:
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
            writer.add_key_value_metadata(notes)
        with pytest.raises(InputError):
            [frame.proposals for frame in open_store(folder)[0].frames]

    @pytest.mark.parametrize("change", [{"mask_dim": "x"}, {"mask_dim": 0}, {"by": []}, {"preset": None}])
    def test_a_manifest_with_values_of_other_types_is_refused(self, tmp_path, change):
        folder = fill(tmp_path / "s", range(1))
        path = folder / "manifest.json"
        content = json.loads(path.read_text())
        content["made"].update(change)
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match="is damaged"):
            open_store(folder)
