"""``seac segment`` as a user meets it: what it writes, and what it says to what it cannot use."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import seac
import seac.jobs.segment
from seac.classify.vocabulary import parse
from seac.cli import app
from seac.core.ownership import RECORD
from seac.export.record import ClipRecord, decode_mask
from seac.pipeline import SeAC
from tests.fixtures.parts import squares, synthetic_model, tone, write_video, write_wav

ALWAYS = {RECORD, "store", "decision.json"}
TURNS = np.concatenate([tone("red", 1.5), tone("blue", 1.5), tone("silence", 2)])


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(seac.jobs.segment, "load", lambda preset, **options: synthetic_model())


@pytest.fixture
def video(tmp_path) -> Path:
    return write_video(tmp_path / "film.mp4", [squares()] * 50, TURNS)


def run_seac(capsys, *words: object) -> tuple[int, str, str]:
    code = app.run([str(word) for word in words])
    output = capsys.readouterr()
    return code, output.out, output.err


def refused(capsys, *words: object) -> str:
    """The one line with which these words are refused."""
    code, out, err = run_seac(capsys, *words)
    assert code == 2, (code, out, err)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.usefixtures("fake")
class TestWhatItWrites:
    def test_a_video_with_sound_that_browsers_play(self, capsys, tmp_path, video):
        code, out, _ = run_seac(capsys, "segment", video, "-o", tmp_path / "out", "--fps", 2, "--json")
        assert code == 0
        last = json.loads(out.splitlines()[-1])
        assert last["clips"][0]["frames"] == 10
        assert set(last["clips"][0]["labels"]) == {"red", "blue"}
        with av.open(str(tmp_path / "out/overlay.mp4")) as overlay:
            picture, sound = overlay.streams.video[0], overlay.streams.audio[0]
            assert (picture.codec_context.name, picture.codec_context.pix_fmt) == ("h264", "yuv420p")
            assert sound.codec_context.name == "aac"
            assert abs(float(picture.duration * picture.time_base) - 5) < 0.1
            assert abs(float(sound.duration * sound.time_base) - 5) < 0.2

    def test_a_record_that_follows_its_schema(self, capsys, tmp_path, video):
        run_seac(capsys, "segment", video, "-o", tmp_path / "out", "--fps", 2)
        record = ClipRecord.model_validate_json((tmp_path / "out/result.json").read_text())
        assert len(record.frames) == 10
        expected = synthetic_model()(squares(), tone("red", 1), 16_000)
        mask = decode_mask(record.frames[0].masks[1].segmentation)
        assert mask.shape == record.size
        joint = (mask & expected.masks[1]).sum() / (mask | expected.masks[1]).sum()
        assert joint > 0.9  # the film is compressed, so a border pixel may differ
        assert [m.label for m in record.frames[1].masks if m.sounding] == ["red"]
        assert record.frames[-1].audio_summary.silent

    def test_masks_and_a_timeline(self, capsys, tmp_path, video):
        exports = ("--export", "masks,timeline", "--fps", 1)
        run_seac(capsys, "segment", video, "-o", tmp_path / "out", *exports)
        names = sorted(path.name for path in (tmp_path / "out/masks").iterdir())
        assert names == [f"{n:06d}.png" for n in range(5)]
        red = np.asarray(Image.open(tmp_path / "out/masks/000000.png"))
        assert red.shape == (96, 160)
        assert set(np.unique(red)) == {0, 2}  # the red square is the second mask: id 1
        assert np.asarray(Image.open(tmp_path / "out/masks/000004.png")).max() == 0
        assert Image.open(tmp_path / "out/timeline.png").width > 400

    def test_only_the_exports_that_were_asked_for(self, capsys, tmp_path, video):
        run_seac(capsys, "segment", video, "-o", tmp_path / "out", "--export", "json")
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"result.json", *ALWAYS}
        assert "unknown export 'gif'" in refused(capsys, "segment", video, "--export", "gif")

    def test_an_image_with_a_sound(self, capsys, tmp_path):
        Image.fromarray(squares()).save(tmp_path / "a.png")
        sound = write_wav(tmp_path / "a.wav", TURNS)
        code, *_ = run_seac(capsys, "segment", tmp_path / "a.png", "--audio", sound, "-o", tmp_path / "out")
        assert code == 0
        record = ClipRecord.model_validate_json((tmp_path / "out/result.json").read_text())
        assert len(record.frames) == 5

    def test_a_folder_goes_on_where_it_was(self, capsys, tmp_path):
        folder, out = tmp_path / "in", tmp_path / "out"
        folder.mkdir()
        write_video(folder / "one.mp4", [squares()] * 10, tone("red", 1))
        Image.fromarray(squares()).save(folder / "two.png")
        write_wav(folder / "two.wav", tone("blue", 1))
        assert run_seac(capsys, "segment", folder, "-o", out)[0] == 0
        before = (out / "one/result.json").stat().st_mtime_ns
        (out / "two/result.json").unlink()
        _, _, err = run_seac(capsys, "segment", folder, "-o", out)
        assert (out / "one/result.json").stat().st_mtime_ns == before
        assert (out / "two/result.json").exists()
        assert "finished before" in err
        run_seac(capsys, "segment", folder, "-o", out, "--fps", 2)
        assert (out / "one/result.json").stat().st_mtime_ns != before

    def test_only_the_very_same_work_is_finished_before(self, capsys, tmp_path, monkeypatch):
        def load(spec, **options):
            model = synthetic_model()
            words = ",".join(spec.vocabulary or ()) or None
            return model if words is None else SeAC(model.stages, parse(words), model.settings)

        monkeypatch.setattr(seac.jobs.segment, "load", load)
        folder, out = tmp_path / "in", tmp_path / "out"
        folder.mkdir()
        video = write_video(folder / "a.mp4", [squares()] * 10, tone("red", 1))

        def again(*options: object) -> str:
            _, _, output = run_seac(capsys, "segment", folder, "-o", out, *options)
            return output

        again("--vocabulary", "red,green,blue", "--export", "json")
        assert "finished before" in again("--vocabulary", "red,green,blue", "--export", "json")
        assert "finished before" not in again("--vocabulary", "blue,green,red", "--export", "json")
        assert '"background","blue"' in (out / "a/result.json").read_text()
        assert "finished before" not in again("--vocabulary", "blue,green,red", "--export", "overlay")
        assert (out / "a/overlay.mp4").exists()
        assert "finished before" in again("--vocabulary", "blue,green,red", "--export", "overlay")
        write_video(video, [squares()] * 20, tone("red", 2))
        assert "finished before" not in again()
        write_video(folder / "a.avi", [squares()] * 10, tone("blue", 1), video_codec="mpeg4")
        again()  # it sorts first, and takes the name
        assert '"source":"a.avi"' in (out / "a/result.json").read_text()

    def test_a_bad_clip_in_a_folder_does_not_stop_the_others(self, capsys, tmp_path):
        folder, out = tmp_path / "in", tmp_path / "out"
        folder.mkdir()
        (folder / "a.mp4").write_bytes(b"this is no film")
        write_video(folder / "b.mp4", [squares()] * 10, tone("red", 1))
        line = refused(capsys, "segment", folder, "-o", out)
        assert "1 of 2" in line
        assert "a.mp4" in line
        assert (out / "b/result.json").exists()
        assert not (out / "a").exists() or not list((out / "a").iterdir())


@pytest.mark.usefixtures("fake")
class TestStreams:
    def test_a_pipe_leaves_a_copy_that_is_decided_again(self, capsys, tmp_path, video):
        if os.name != "posix":
            pytest.skip("needs named pipes")
        pipe, matroska, out = tmp_path / "pipe", tmp_path / "film.mkv", tmp_path / "out"
        write_video(matroska, [squares()] * 20, tone("red", 2))
        os.mkfifo(pipe)
        writing = threading.Thread(target=lambda: pipe.write_bytes(matroska.read_bytes()), daemon=True)
        writing.start()
        code, _, err = run_seac(capsys, "segment", pipe, "-o", out, "--export", "overlay,csv")
        writing.join(10)
        assert code == 0, err
        result = seac.open_result(out)
        assert result.info.source == str((out / "source.mkv").resolve())
        assert result.info.frames == 20
        assert abs(result.info.duration - 2) < 0.15
        assert "red" in (out / "events.csv").read_text()
        code, _, err = run_seac(capsys, "decide", out, "--threshold", 0.4)
        assert code == 0, err
        with av.open(str(out / "overlay.mp4")) as overlay:
            assert overlay.streams.video[0].frames == 20

    def test_a_stream_takes_no_audio_of_its_own(self, capsys, tmp_path):
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        assert "not with a stream" in refused(
            capsys, "segment", "-", "--audio", sound, "-o", tmp_path / "out"
        )


@pytest.mark.usefixtures("fake")
class TestFileTypes:
    @pytest.mark.parametrize(
        ("suffix", "video", "audio"),
        [
            ("mp4", "libx264", "aac"),
            ("mov", "libx264", "aac"),
            ("mkv", "libx264", "libopus"),
            ("webm", "libvpx", "libopus"),
            ("avi", "mpeg4", "mp3"),
        ],
    )
    def test_containers(self, capsys, tmp_path, suffix, video, audio):
        try:
            video = write_video(
                tmp_path / f"a.{suffix}",
                [squares()] * 10,
                tone("red", 1),
                video_codec=video,
                audio_codec=audio,
            )
        except (av.FFmpegError, ValueError) as missing:
            pytest.skip(f"this PyAV cannot write {video} with {audio}: {missing}")
        assert run_seac(capsys, "segment", video, "-o", tmp_path / "out")[0] == 0

    @pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "P", "CMYK", "1"])
    def test_images_of_every_mode(self, capsys, tmp_path, mode):
        path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
        if mode == "I;16":
            Image.fromarray(squares()[..., 0].astype(np.uint16) * 257).save(path)
        else:
            Image.fromarray(squares()).convert(mode).save(path)
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        assert run_seac(capsys, "segment", path, "--audio", sound, "-o", tmp_path / "out")[0] == 0

    def test_a_single_pixel(self, capsys, tmp_path):
        Image.new("RGB", (1, 1), (200, 0, 0)).save(tmp_path / "a.png")
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        code, *_ = run_seac(capsys, "segment", tmp_path / "a.png", "--audio", sound, "-o", tmp_path / "out")
        assert code == 0
        assert (tmp_path / "out/overlay.mp4").stat().st_size > 0

    def test_a_huge_image_is_scaled_down_with_a_notice(self, capsys, tmp_path):
        Image.new("RGB", (12_000, 9_000), (200, 0, 0)).save(tmp_path / "a.jpg", quality=30)
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        code, _, err = run_seac(
            capsys,
            "segment",
            tmp_path / "a.jpg",
            "--audio",
            sound,
            "-o",
            tmp_path / "out",
            "--export",
            "json",
        )
        assert code == 0
        assert "12000 x 9000" in err
        record = ClipRecord.model_validate_json((tmp_path / "out/result.json").read_text())
        assert record.original_size == (9_000, 12_000)
        assert max(record.size) == 1280

    def test_a_rotated_video_is_upright(self, capsys, tmp_path):
        video = write_video(tmp_path / "plain.mp4", [squares()] * 10, tone("red", 1))
        turned = tmp_path / "turned.mp4"
        turned.write_bytes(_with_rotation(video.read_bytes()))
        assert run_seac(capsys, "segment", turned, "-o", tmp_path / "out", "--export", "json")[0] == 0
        record = ClipRecord.model_validate_json((tmp_path / "out/result.json").read_text())
        assert record.size == (160, 96)

    def test_a_video_of_variable_rate_keeps_its_times(self, capsys, tmp_path):
        dark, bright = squares() // 4, squares()
        video = write_video(
            tmp_path / "a.mkv", [dark, bright, bright, bright], tone("red", 4), times=[0, 2500, 2600, 3900]
        )
        run_seac(capsys, "segment", video, "-o", tmp_path / "out", "--export", "json")
        record = ClipRecord.model_validate_json((tmp_path / "out/result.json").read_text())
        assert [frame.time for frame in record.frames] == [0, 2.5, 3.9]
        assert [len(frame.masks) for frame in record.frames] == [1, 4, 4]

    @pytest.mark.parametrize("rate", [4_000, 44_100, 192_000])
    def test_sounds_of_any_rate_in_stereo(self, capsys, tmp_path, rate):
        Image.fromarray(squares()).save(tmp_path / "a.png")
        sound = write_wav(tmp_path / "a.wav", np.stack([tone("red", 1, rate)] * 2, 1), rate)
        code, out, _ = run_seac(
            capsys, "segment", tmp_path / "a.png", "--audio", sound, "-o", tmp_path / "out", "--json"
        )
        assert code == 0
        assert set(json.loads(out.splitlines()[-1])["clips"][0]["labels"]) == {"red"}


@pytest.mark.usefixtures("fake")
class TestWhatItRefuses:
    def test_a_missing_file(self, capsys, tmp_path):
        assert "no such file" in refused(capsys, "segment", tmp_path / "none.mp4")

    def test_a_folder_without_media(self, capsys, tmp_path):
        assert "holds no video" in refused(capsys, "segment", tmp_path, "-o", tmp_path / "out")

    def test_a_video_without_sound(self, capsys, tmp_path):
        video = write_video(tmp_path / "a.mp4", [squares()] * 5, None)
        code, _, err = run_seac(capsys, "segment", video, "-o", tmp_path / "out")
        assert code == 0
        assert "has no audio, so nothing in it sounds; give audio with --audio" in err
        with av.open(str(tmp_path / "out/overlay.mp4")) as overlay:
            assert not overlay.streams.audio

    def test_a_video_without_sound_takes_one(self, capsys, tmp_path):
        video = write_video(tmp_path / "a.mp4", [squares()] * 10, None)
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        assert run_seac(capsys, "segment", video, "--audio", sound, "-o", tmp_path / "out")[0] == 0

    def test_a_sound_without_image(self, capsys, tmp_path):
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        assert "no video stream" in refused(capsys, "segment", sound, "-o", tmp_path / "out")

    def test_an_image_without_sound(self, capsys, tmp_path):
        Image.fromarray(squares()).save(tmp_path / "a.png")
        assert "--audio" in refused(capsys, "segment", tmp_path / "a.png")

    @pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"not a film at all" * 100])
    def test_what_is_no_video(self, capsys, tmp_path, content):
        (tmp_path / "a.mp4").write_bytes(content)
        refused(capsys, "segment", tmp_path / "a.mp4", "-o", tmp_path / "out")

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_video_that_is_cut_off_leaves_nothing_half_written(self, capsys, tmp_path, video, share):
        content = video.read_bytes()
        (tmp_path / "cut.mp4").write_bytes(content[: int(len(content) * share)])
        refused(capsys, "segment", tmp_path / "cut.mp4", "-o", tmp_path / "out")
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())

    def test_a_broken_image(self, capsys, tmp_path):
        Image.fromarray(squares()).save(tmp_path / "a.png")
        content = (tmp_path / "a.png").read_bytes()
        (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        refused(capsys, "segment", tmp_path / "a.png", "--audio", sound, "-o", tmp_path / "out")

    def test_a_sound_of_no_length(self, capsys, tmp_path):
        Image.fromarray(squares()).save(tmp_path / "a.png")
        (tmp_path / "a.wav").write_bytes(b"")
        refused(capsys, "segment", tmp_path / "a.png", "--audio", tmp_path / "a.wav", "-o", tmp_path / "out")

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["--fps", "0"], "--fps"),
            (["--fps", "x"], "--fps"),
            (["--top-n", "0"], "--top-n"),
            (["--window", "-1"], "--window"),
            (["--export", ","], "--export"),
            (["--nonsense"], "--nonsense"),
        ],
    )
    def test_wrong_options(self, capsys, video, tmp_path, words, line):
        assert line in refused(capsys, "segment", video, "-o", tmp_path / "out", *words)

    def test_an_unknown_command(self, capsys):
        assert "did you mean 'segment'" in refused(capsys, "segmant", "a.mp4")

    def test_an_output_that_is_a_file(self, capsys, video, tmp_path):
        (tmp_path / "out").write_text("mine")
        assert "is a file" in refused(capsys, "segment", video, "-o", tmp_path / "out")
        assert (tmp_path / "out").read_text() == "mine"

    def test_a_folder_that_cannot_be_written(self, capsys, video):
        if os.name != "posix" or not Path("/proc").is_dir():
            pytest.skip("needs a folder that even root cannot write to")
        assert "cannot write" in refused(capsys, "segment", video, "-o", "/proc/seac")

    def test_a_full_disk(self, capsys, video, tmp_path, monkeypatch):
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("seac.export.mask_images.Image.Image.save", full)
        assert "No space left" in refused(capsys, "segment", video, "-o", tmp_path / "out")
        assert not (tmp_path / "out").exists()


# A job in the background of a shell has Ctrl-C switched off, and hands that down: switch it on again.
SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import seac.jobs.segment
from seac.cli import app
from tests.fixtures.parts import synthetic_model
model = synthetic_model()
encode_image = model.encode_image
model.encode_image = lambda *a: (time.sleep(0.3), encode_image(*a))[1]
seac.jobs.segment.load = lambda preset, **options: model
print("ready", flush=True)
sys.exit(app.run(sys.argv[1:]))
"""


def test_ctrl_c_leaves_nothing_half_written(tmp_path, video):
    words = [sys.executable, "-c", SLOW, "segment", str(video), "-o", str(tmp_path / "out"), "--fps", "10"]
    running = subprocess.Popen(
        words, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    running.stdout.readline()
    deadline = time.time() + 30
    while time.time() < deadline and not list((tmp_path / "out").glob(".seac-*/store/*")):
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def _with_rotation(content: bytes) -> bytes:
    """An mp4 whose display matrix turns its picture by 90 degrees."""
    plain = b"".join(n.to_bytes(4, "big") for n in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
    turned = b"".join(
        (n % 2**32).to_bytes(4, "big") for n in (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    )
    track = content.index(b"tkhd")
    at = content.index(plain, track)
    return content[:at] + turned + content[at + len(plain) :]
