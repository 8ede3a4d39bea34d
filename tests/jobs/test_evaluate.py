"""``seac evaluate`` on synthetic benchmarks of coloured squares with known truth."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import seac.jobs.evaluate
from seac.cli import app
from seac.evaluation import predict
from seac.jobs.evaluate import EvaluateJob, chosen_clips, open_reader
from tests.fixtures import benchmarks
from tests.fixtures.extras import needs
from tests.fixtures.parts import synthetic_model


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    monkeypatch.setattr(seac.jobs.evaluate, "load_model", lambda preset, **options: synthetic_model())


def run_cli(capsys, *given: object) -> tuple[int, str, str]:
    code = app.run([str(argument) for argument in ("evaluate", *given)])
    output = capsys.readouterr()
    return code, output.out, output.err


def figures(capsys, *given: object) -> dict:
    code, out, err = run_cli(capsys, *given, "--json")
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


def refused(capsys, *given: object) -> str:
    code, out, err = run_cli(capsys, *given)
    assert code == 2, (code, out, err)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


class TestFigures:
    def test_a_model_that_activates_the_right_square_is_right(self, capsys, tmp_path):
        found = figures(capsys, "s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out")
        assert found["n"] == 3
        assert set(found["protocols"]) == {"official", "dataset", "fixed"}
        assert found["methods"]["tiny, decided"]["fixed"]["miou"] > 0.99
        assert found["attribution"]["right"] == 3

    def test_a_frame_whose_truth_is_empty_counts_inactive_pixels(self, capsys, tmp_path):
        found = figures(capsys, "ms3", benchmarks.ms3(tmp_path / "ms3"), "-o", tmp_path / "out")
        decided = found["methods"]["tiny, decided"]["fixed"]
        inactive = 1 - benchmarks.make_mask("red").mean()
        assert decided["miou"] == pytest.approx((4 + inactive) / 5, abs=5e-3)
        assert decided["fscore"] > 0.99

    def test_halves_of_ten_seconds_are_encoded_separately_and_named(self, capsys, tmp_path):
        found = figures(capsys, "avss", benchmarks.avss(tmp_path / "avss"), "-o", tmp_path / "out")
        assert found["protocols"]["dataset"]["miou"] > 0.95
        assert found["protocols"]["official"]["miou"] > 0.7

    def test_boxes_are_painted_where_the_truth_is_boxes(self, capsys, tmp_path):
        found = figures(capsys, "vggss", benchmarks.vggss(tmp_path / "v"), "-o", tmp_path / "out")
        assert set(found["protocols"]) == {"fixed", "median"}
        assert found["methods"]["tiny, decided"]["fixed"]["ciou"] == 1.0

    def test_the_extended_set_scores_the_confidence(self, capsys, tmp_path):
        found = figures(capsys, "vggss-extended", benchmarks.vggss(tmp_path / "v"), "-o", tmp_path / "out")
        assert found["n"] == 6
        assert set(found["protocols"]["fixed"]) == {"ap", "max_f1", "loc_acc"}
        assert found["methods"]["tiny, decided"]["fixed"]["loc_acc"] == 1.0

    def test_silence_activates_nothing_and_the_other_class_is_another_clips(self, capsys, tmp_path):
        found = figures(capsys, "robustness", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out")
        assert found["n"] == 3
        assert found["protocols"]["silence"] == {"fpr_pixels": 0.0, "fpr_frames": 0.0, "auroc": 1.0}
        # The off-screen colour is in the frame as well: synthetic frames show all three squares.
        assert found["protocols"]["another class"]["fpr_frames"] == 1.0

    def test_copies_of_the_protocol_are_further_protocols(self, capsys, tmp_path):
        folder, out = benchmarks.s4(tmp_path / "s4", 1), tmp_path / "out"
        found = figures(capsys, "s4", folder, "-o", out, "--as", "all", "--protocol", "as acl")
        assert set(found["protocols"]) == {"as acl"}
        assert found["methods"]["tiny, decided"]["as acl"]["miou"] > 0.99
        assert "tuned on the test set" in (out / "report.md").read_text(encoding="utf-8")
        assert "did you mean 'tavis'" in refused(capsys, "s4", folder, "-o", out, "--as", "tavi")
        vggss = benchmarks.vggss(tmp_path / "v")
        assert "for s4 and ms3" in refused(capsys, "vggss", vggss, "-o", out, "--as", "acl")
        assert "--as needs" in refused(capsys, "swap", vggss, "-o", out, "--as", "acl")

    def test_avsbench_robust_joins_the_score_with_the_false_positives(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4")
        found = figures(capsys, "avsbench-robust", folder, "-o", tmp_path / "out")
        assert (found["n"], found["frames"]) == (3, 60)
        row = found["methods"]["tiny, decided"]["dataset"]
        square = benchmarks.make_mask("red").mean()
        assert row["miou"] > 0.99
        assert row["fpr_silence"] == 0
        # Synthetic frames show all three squares, so the square of the off-screen audio is found.
        assert row["fpr_off_screen"] == pytest.approx(square, abs=5e-3)
        kept = ((1 - row["fpr_silence"]) * (1 - row["fpr_noise"]) * (1 - row["fpr_off_screen"])) ** (1 / 3)
        assert row["g_miou"] == pytest.approx((row["miou"] * kept) ** 0.5)
        refused(capsys, "avsbench-robust", benchmarks.vggss(tmp_path / "v"), "-o", tmp_path / "out2")

    @needs("baselines")
    def test_baselines_are_in_the_same_table(self, capsys, tmp_path):
        found = figures(
            capsys, "s4", benchmarks.s4(tmp_path / "s4", 1), "-o", tmp_path / "out", "--baselines"
        )
        rows = found["methods"]
        assert rows["whole image"]["fixed"]["miou"] == pytest.approx(
            benchmarks.make_mask("red").mean(), abs=1e-3
        )
        assert rows["oracle masks"]["fixed"]["miou"] > 0.99
        assert {"centre Gaussian", "saliency (U2NetP)", "random mask", "zero-shot"} <= set(rows)

    def test_only_frames_with_a_truth_are_scored(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4", 0, train=1)
        found = figures(capsys, "s4", folder, "-o", tmp_path / "out", "--split", "train")
        assert found["frames"] == 1
        assert found["methods"]["tiny, decided"]["fixed"]["miou"] > 0.99

    def test_all_splits_are_scored_though_their_clips_differ_in_length(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4", 3, train=3)
        found = figures(capsys, "s4", folder, "-o", tmp_path / "out", "--split", "all")
        assert (found["n"], found["frames"]) == (6, 18)

    def test_the_window_around_a_frame_is_a_setting(self, capsys, tmp_path):
        folder = benchmarks.avss(tmp_path / "avss")
        found = figures(capsys, "avss", folder, "-o", tmp_path / "out", "--window", 1)
        assert found["settings"]["window"] == 1.0
        assert found["protocols"]["dataset"]["miou"] > 0.95

    def test_robustness_encodes_the_window_around_the_frame_that_it_shows(self, tmp_path):
        job = EvaluateJob("robustness", benchmarks.s4(tmp_path / "s4"), tmp_path / "out", window=2.0)
        clips, _ = chosen_clips(open_reader(job), job)
        assert {clip.frames[0].stem[-1] for clip in clips} == {"3"}
        assert {clip.audio_windows for clip in clips} == {((1.5, 3.5),)}


class TestReport:
    def test_it_has_tables_plots_and_a_gallery_with_audio(self, capsys, tmp_path):
        out = tmp_path / "out"
        figures(capsys, "s4", benchmarks.s4(tmp_path / "s4"), "-o", out)
        page = (out / "report.html").read_text()
        text = (out / "report.md").read_text()
        for expected in ("SeAC (paper) [published]", "65.31", "Which stage lost the clips"):
            assert expected in page
            assert expected in text
        for file in ("plots/attribution.png", "gallery/worst-00.jpg", "gallery/worst-00.wav"):
            assert (out / file).is_file()
            assert file in page or file.startswith("gallery") or file.startswith("plots")
        assert "<audio" in page

    def test_every_clip_has_a_row_for_every_method(self, capsys, tmp_path):
        figures(capsys, "s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out")
        with (tmp_path / "out/per_clip.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [row["id"] for row in rows if row["method"] == "tiny"] == ["red_0", "green_1", "blue_2"]
        assert all(float(row["oracle"]) > 0.9 and row["attribution"] == "right" for row in rows)

    def test_text_from_a_benchmark_is_no_markup(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4", 1)
        table = folder / "s4_meta_data.csv"
        (folder / "s4_data/visual_frames/test/red").rename(folder / "s4_data/visual_frames/test/<b>red")
        (folder / "s4_data/gt_masks/test/red").rename(folder / "s4_data/gt_masks/test/<b>red")
        (folder / "s4_data/audio_wav/test/red").rename(folder / "s4_data/audio_wav/test/<b>red")
        table.write_text(table.read_text().replace(",red,", ",<b>red,"))
        figures(capsys, "s4", folder, "-o", tmp_path / "out")
        assert "<b>red" not in (tmp_path / "out/report.html").read_text()


class TestResuming:
    def test_a_predicted_clip_is_not_predicted_again(self, capsys, tmp_path, monkeypatch):
        folder = benchmarks.s4(tmp_path / "s4")
        out = tmp_path / "out"
        predicted = []
        answer = predict.answer_clip
        monkeypatch.setattr(
            predict, "answer_clip", lambda r, clip, *rest: predicted.append(clip.id) or answer(r, clip, *rest)
        )
        figures(capsys, "s4", folder, "-o", out, "--limit", 2)
        first = figures(capsys, "s4", folder, "-o", out)
        assert predicted == ["red_0", "green_1", "blue_2"]
        again = figures(capsys, "s4", folder, "-o", out, "--again")
        assert len(predicted) == 6
        assert first["protocols"] == again["protocols"]

    def test_predictions_of_other_settings_are_not_mixed(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4", 1)
        figures(capsys, "s4", folder, "-o", tmp_path / "out")
        output = refused(capsys, "s4", folder, "-o", tmp_path / "out", "--window", 2)
        assert "window" in output
        assert "--again" in output

    def test_answers_to_another_folder_are_not_taken_for_this_ones(self, capsys, tmp_path):
        one, other = benchmarks.s4(tmp_path / "a/s4"), benchmarks.s4(tmp_path / "b/s4")
        figures(capsys, "s4", one, "-o", tmp_path / "out")
        output = refused(capsys, "s4", other, "-o", tmp_path / "out")
        assert "(folder differ)" in output
        assert "--again" in output

    def test_answers_to_what_was_listed_before_are_not_mixed_with_new_ones(self, capsys, tmp_path):
        figures(capsys, "s4", benchmarks.s4(tmp_path / "s4", 2), "-o", tmp_path / "out")
        output = refused(capsys, "s4", benchmarks.s4(tmp_path / "s4", 3), "-o", tmp_path / "out")
        assert "(metadata differ)" in output

    def test_a_folder_is_the_same_however_it_is_written_and_no_report_says_where_it_lies(
        self, capsys, tmp_path, monkeypatch
    ):
        folder = benchmarks.s4(tmp_path / "s4")
        first = figures(capsys, "s4", folder, "-o", tmp_path / "out")
        monkeypatch.chdir(folder)
        again = figures(capsys, "s4", "../s4", "-o", tmp_path / "out")
        assert again["protocols"] == figures(capsys, "s4", ".", "-o", tmp_path / "out")["protocols"]
        assert again["protocols"] == first["protocols"]
        assert str(tmp_path) not in json.dumps(first)
        assert str(tmp_path) not in (tmp_path / "out/report.md").read_text()

    def test_saved_answers_score_the_same_as_predictions(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4")
        own = figures(capsys, "s4", folder, "-o", tmp_path / "out")
        again = figures(
            capsys, "s4", folder, "-o", tmp_path / "again", "--predictions", tmp_path / "out/predictions/tiny"
        )
        assert again["protocols"] == own["protocols"]
        assert again["attribution"] == own["attribution"]


class TestPredictions:
    def predictions(self, root: Path, colours: tuple[str, ...] = ("red", "green", "blue")) -> Path:
        folder = root / "theirs"
        folder.mkdir(exist_ok=True)
        for number, colour in enumerate(colours):
            np.save(folder / f"{colour}_{number}.npy", np.stack([benchmarks.make_mask(colour)] * 5))
        return folder

    def test_masks_of_others_are_scored_without_a_model(self, capsys, tmp_path, monkeypatch):
        monkeypatch.setattr(seac.jobs.evaluate, "load_model", lambda *a, **k: pytest.fail("loaded"))
        found = figures(
            capsys, "s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out",
            "--predictions", self.predictions(tmp_path),
        )  # fmt: skip
        assert found["protocols"]["official"]["miou"] == pytest.approx(1, abs=1e-6)

    def test_pngs_of_each_frame_are_scored_too(self, capsys, tmp_path):
        folder = tmp_path / "theirs"
        for frame in range(1, 6):
            benchmarks.save(
                (benchmarks.make_mask("red") * 255).astype(np.uint8), folder / f"red_0/red_0_{frame}.png"
            )
        found = figures(
            capsys, "s4", benchmarks.s4(tmp_path / "s4", 1), "-o", tmp_path / "out", "--predictions", folder
        )
        assert found["protocols"]["dataset"]["fscore"] == pytest.approx(1, abs=1e-6)

    def test_the_truth_in_its_own_layout_scores_as_perfect(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4")
        found = figures(
            capsys, "s4", folder, "-o", tmp_path / "out", "--predictions", folder / "s4_data/gt_masks"
        )
        assert found["n"] == 3
        assert found["protocols"]["dataset"]["miou"] == pytest.approx(1, abs=1e-6)

    @pytest.mark.parametrize("first", [0, 1])
    def test_frames_may_be_counted_in_their_names(self, capsys, tmp_path, first):
        for frame in range(5):
            benchmarks.save(
                (benchmarks.make_mask("red") * 255).astype(np.uint8),
                tmp_path / f"theirs/red_0_{frame + first}.png",
            )
        found = figures(
            capsys, "s4", benchmarks.s4(tmp_path / "s4", 1), "-o", tmp_path / "out",
            "--predictions", tmp_path / "theirs",
        )  # fmt: skip
        assert found["protocols"]["dataset"]["miou"] == pytest.approx(1, abs=1e-6)

    def test_missing_clips_are_an_error_unless_allowed(self, capsys, tmp_path):
        folder = self.predictions(tmp_path, ("red",))
        arguments = ("s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out", "--predictions", folder)
        output = refused(capsys, *arguments)
        assert "2 of 3" in output
        assert "green_1" in output
        found = figures(capsys, *arguments, "--allow-missing")
        assert found["n"] == 1
        assert found["missing"] == ["green_1", "blue_2"]

    @pytest.mark.parametrize(
        ("array", "output"),
        [
            (np.zeros((5, 100, 100), np.float32), "(5, 100, 100)"),
            (np.zeros((4, 224, 224), np.float32), "(4, 224, 224)"),
            (np.full((5, 224, 224), np.nan, np.float32), "NaN"),
            (np.full((5, 224, 224), 2.0, np.float32), "[0, 1]"),
            (np.full((5, 224, 224), -1.0, np.float32), "[0, 1]"),
            (np.zeros((5, 224, 224), np.complex64), "float, bool or integer"),
        ],
    )
    def test_what_cannot_be_scored_is_refused_by_its_file(self, capsys, tmp_path, array, output):
        folder = self.predictions(tmp_path)
        np.save(folder / "green_1.npy", array)
        line = refused(
            capsys, "s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out", "--predictions", folder
        )
        assert output in line
        assert "green_1.npy" in line
        assert not (tmp_path / "out/report.html").exists()

    def test_a_broken_file_is_one_line(self, capsys, tmp_path):
        folder = self.predictions(tmp_path)
        (folder / "red_0.npy").write_bytes(b"no array")
        line = refused(
            capsys, "s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out", "--predictions", folder
        )
        assert "red_0.npy" in line

    def test_class_numbers_of_others_are_scored(self, capsys, tmp_path):
        folder = tmp_path / "theirs"
        folder.mkdir()
        names = ["red"] * 5 + ["blue"] * 5
        labels = np.stack([benchmarks.make_mask(name) * (1 if name == "red" else 3) for name in names])
        np.save(folder / "clip_0_10000.npy", labels.astype(np.uint8))
        data = benchmarks.avss(tmp_path / "avss")
        arguments = ("avss", data, "-o", tmp_path / "out", "--predictions", folder)
        assert figures(capsys, *arguments)["protocols"]["dataset"]["miou"] == pytest.approx(1)
        np.save(folder / "clip_0_10000.npy", labels + 9)
        assert "0 to 3" in refused(capsys, *arguments)

    def test_confidences_come_from_a_csv(self, capsys, tmp_path):
        folder = tmp_path / "theirs"
        folder.mkdir()
        lines = ["id,confidence"]
        for colour in ("red", "green", "blue"):
            name = f"{colour}_000000"
            for clip, sure in ((name, 0.9), (f"{name}+silent{colour}", 0.1)):
                np.save(folder / f"{clip}.npy", benchmarks.make_mask(colour))
                lines.append(f"{clip},{sure}")
        (folder / "confidence.csv").write_text("\n".join(lines))
        arguments = ("vggss-extended", benchmarks.vggss(tmp_path / "v"), "-o", tmp_path / "out")
        found = figures(capsys, *arguments, "--predictions", folder)
        assert found["protocols"]["fixed"]["max_f1"] > 0.75
        (folder / "confidence.csv").write_text("red_000000,sure\n")
        assert "line 1" in refused(capsys, *arguments, "--predictions", folder)


class TestLists:
    def test_overlap_with_training_is_counted_and_can_be_dropped(self, capsys, tmp_path):
        listed = tmp_path / "train.txt"
        listed.write_text("red_0\nanother\n")
        arguments = ("s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out", "--train-list", listed)
        found = figures(capsys, *arguments)
        assert found["n"] == 3
        assert found["leakage"] == {"listed": 2, "by_clip": 1, "by_video": 1, "dropped": 0}
        found = figures(capsys, *arguments, "--drop-overlap")
        assert found["n"] == 2
        assert found["leakage"]["dropped"] == 1
        assert "Overlap with training" in (tmp_path / "out/report.md").read_text()

    def test_excluded_clips_are_left_out(self, capsys, tmp_path):
        listed = tmp_path / "ids.txt"
        listed.write_text("green_1\n")
        arguments = ("s4", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out", "--exclude", listed)
        assert figures(capsys, *arguments)["n"] == 2

    def test_variants_of_a_clip_are_that_clip_to_a_list(self, capsys, tmp_path):
        listed = tmp_path / "ids.txt"
        listed.write_text("green_1\n")
        arguments = ("robustness", benchmarks.s4(tmp_path / "s4"), "-o", tmp_path / "out")
        assert figures(capsys, *arguments, "--exclude", listed)["n"] == 2
        found = figures(capsys, *arguments, "--train-list", listed, "--drop-overlap")
        assert found["n"] == 2
        assert found["leakage"] == {"listed": 1, "by_clip": 1, "by_video": 1, "dropped": 1}


class TestWrongArguments:
    def test_each_is_one_line(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4", 1)
        out = ("-o", tmp_path / "out")
        assert "s4" in refused(capsys, "s5", folder, *out)
        assert "nowhere" in refused(capsys, "s4", tmp_path / "nowhere", *out)
        assert "--limit is 0" in refused(capsys, "s4", folder, *out, "--limit", 0)
        assert "--top-n is 0" in refused(capsys, "s4", folder, *out, "--top-n", 0)
        assert "--top-n is -3" in refused(capsys, "s4", folder, *out, "--top-n", -3)
        assert "official" in refused(capsys, "s4", folder, *out, "--protocol", "oficial")
        assert "--train-list" in refused(capsys, "s4", folder, *out, "--drop-overlap")
        assert "nothing.txt" in refused(capsys, "s4", folder, *out, "--exclude", tmp_path / "nothing.txt")
        assert "theirs" in refused(capsys, "s4", folder, *out, "--predictions", tmp_path / "theirs")
        assert "robustness" in refused(capsys, "robustness", benchmarks.ms3(tmp_path / "ms3"), *out)
        assert not (tmp_path / "out/report.html").exists()

    @pytest.mark.parametrize(
        "more",
        [("--baselines",), ("--window", 1), ("--top-n", 5), ("--exact",), ("--audio-encoder", "vggish")],
    )
    def test_what_needs_a_model_does_not_go_with_predictions(self, capsys, tmp_path, more):
        folder = benchmarks.s4(tmp_path / "s4", 1)
        arguments = ("s4", folder, "-o", tmp_path / "out", "--predictions", folder / "s4_data/gt_masks")
        assert more[0] in refused(capsys, *arguments, *more)
        figures(capsys, *arguments)

    @pytest.mark.parametrize("benchmark", ["vggss", "vggss-extended", "robustness"])
    def test_a_still_has_no_second_to_put_a_window_around(self, capsys, tmp_path, benchmark):
        output = refused(
            capsys, benchmark, benchmarks.vggss(tmp_path / "v"), "-o", tmp_path / "out", "--window", 2
        )
        assert f"--window does not go with {benchmark}" in output

    @pytest.mark.parametrize("blocked", ["out", "out/predictions"])
    def test_a_path_that_takes_no_files_is_refused_before_the_work(
        self, capsys, tmp_path, monkeypatch, blocked
    ):
        monkeypatch.setattr(seac.jobs.evaluate, "load_model", lambda *a, **k: pytest.fail("loaded"))
        (tmp_path / blocked).parent.mkdir(exist_ok=True)
        (tmp_path / blocked).write_text("no folder")
        output = refused(capsys, "s4", benchmarks.s4(tmp_path / "s4", 1), "-o", tmp_path / "out")
        assert f"cannot write to {tmp_path / blocked}" in output

    def test_a_path_below_a_file_is_refused_before_predictions_are_scored(
        self, capsys, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(seac.jobs.evaluate, "score", lambda *a, **k: pytest.fail("scored"))
        folder = benchmarks.s4(tmp_path / "s4", 1)
        (tmp_path / "file").write_text("no folder")
        output = refused(
            capsys, "s4", folder, "-o", tmp_path / "file/out", "--predictions", folder / "s4_data/gt_masks"
        )
        assert "cannot write to" in output

    def test_what_has_no_truth_is_neither_offered_nor_taken(self, capsys, tmp_path):
        output = refused(capsys, "s5", tmp_path, "-o", tmp_path / "out")
        assert "robustness" in output
        assert "vggsound" not in output
        output = refused(capsys, "vggsound", tmp_path, "-o", tmp_path / "out")
        assert "no ground truth" in output
        assert "vggss" in output

    def test_a_missing_frame_names_its_file(self, capsys, tmp_path):
        folder = benchmarks.s4(tmp_path / "s4", 1)
        gone = folder / "s4_data/visual_frames/test/red/red_0/red_0_3.png"
        gone.unlink()
        assert "red_0_3.png" in refused(capsys, "s4", folder, "-o", tmp_path / "out")
