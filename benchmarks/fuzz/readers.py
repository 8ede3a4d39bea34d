"""The readers that are fuzzed: seeds of each, and a function that reads all of a file or folder."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

Files = Mapping[str, bytes]
"""A seed: paths of files in a folder, and their contents."""


@dataclass(frozen=True)
class Reader:
    """A reader under test.

    Attributes:
        seeds: makes valid inputs; given a scratch folder.
        read: reads the folder of a case; ``name`` is the first file of the seed.
        repair: corrects checksums after a mutation, so that the reader goes on.
        share: share of all cases.
    """

    seeds: Callable[[Path], list[Files]]
    read: Callable[[Path, str], object]
    repair: Callable[[dict[str, bytes]], None] | None = None
    share: float = 1.0


def _single(name: str, content: bytes) -> Files:
    return {name: content}


# ---------------------------------------------------------------------------------------------- media


def _write_video(
    path: Path, codec: str, audio: str | None, pix_fmt: str = "yuv420p", **options: str
) -> bytes:
    import av

    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options=options) as output:
        stream = output.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pix_fmt
        sound = output.add_stream(audio, rate=48_000) if audio else None
        for number in range(12):
            pixels = np.full((32, 48, 3), 20 * number, np.uint8)
            pixels[8:20, 2 * number : 2 * number + 12] = rng.integers(0, 255, 3)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            tone = (np.sin(np.arange(57_600) / 20) * 0.3).astype(np.float32)
            for first in range(0, len(tone), 960):
                part = av.AudioFrame.from_ndarray(tone[None, first : first + 960], "fltp", "mono")
                part.sample_rate, part.pts, part.time_base = 48_000, first, Fraction(1, 48_000)
                output.mux(sound.encode(part))
            output.mux(sound.encode(None))
    return path.read_bytes()


VIDEOS: tuple[tuple[str, str, str | None, Mapping[str, str]], ...] = (
    ("a.mp4", "libx264", "aac", {}),
    ("b.mkv", "libx264", "libopus", {}),
    ("c.avi", "mjpeg", "pcm_s16le", {"pix_fmt": "yuvj420p"}),
    ("d.ts", "mpeg2video", "mp2", {}),
    ("e.mov", "mpeg4", None, {}),
    ("f.webm", "libvpx", "libvorbis", {}),
    ("g.mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    ("h.gif", "gif", None, {"pix_fmt": "rgb8"}),
)


def video_seeds(scratch: Path) -> list[Files]:
    """Clips of 12 frames in several containers; a codec that this FFmpeg lacks is left out."""
    found = []
    for name, codec, audio, options in VIDEOS:
        try:
            found.append(_single(name, _write_video(scratch / name, codec, audio, **options)))
        except (OSError, ValueError):
            continue
    return found


def read_video(folder: Path, name: str) -> None:
    """Probe, take up to 20 frames, and read the audio in windows, as ``seac segment`` does."""
    from seac.media.decode import AudioReader, frames, probe
    from seac.media.extent import read_extent

    path = folder / name
    media = probe(path)
    read_extent(path)
    if media.has_audio:
        audio = AudioReader(path)
        for second in range(40):
            audio.read(second, second + 1)
    for _ in islice(frames(path, 4.0, 64), 20):
        pass


AUDIO = (
    ("a.flac", "flac", "s16"),
    ("b.mp3", "libmp3lame", "fltp"),
    ("c.ogg", "libopus", "flt"),
    ("d.m4a", "aac", "fltp"),
    ("e.aiff", "pcm_s16be", "s16"),
)


def audio_seeds(scratch: Path) -> list[Files]:
    """Half a second of a tone in several formats."""
    import av

    tone = np.sin(np.arange(24_000) / 20) * 0.3
    found = []
    for name, width, rate in (("a.wav", 2, 16_000), ("b.wav", 3, 44_100), ("c.wav", 1, 8_000)):
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(width)
            file.setframerate(rate)
            file.writeframes(np.int16(tone[:6000] * 32767).tobytes()[: 6000 // width * width * 2])
        found.append(_single(name, content.getvalue()))
    for name, codec, sample_format in AUDIO:
        path = scratch / name
        try:
            with av.open(str(path), "w") as output:
                stream = output.add_stream(codec, rate=48_000)
                resampler = av.AudioResampler(sample_format, "stereo", 48_000, 960)
                frame = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), "fltp", "mono")
                frame.sample_rate = 48_000
                for part in [*resampler.resample(frame), *resampler.resample(None)]:
                    output.mux(stream.encode(part))
                output.mux(stream.encode(None))
            found.append(_single(name, path.read_bytes()))
        except (OSError, ValueError):
            continue
    return found


def read_audio(folder: Path, name: str) -> None:
    """Read the waveform of a file."""
    from seac.datasets.audio import read_waveform

    read_waveform(folder / name)


def still_seeds(scratch: Path) -> list[Files]:
    """Small images in several formats and modes."""
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 255, (24, 32, 4), np.uint8)
    image = Image.fromarray(pixels)
    turned = Image.Exif()
    turned[0x0112] = 6
    rows: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("a.png", image, {}),
        ("b.png", image.convert("P"), {}),
        ("c.png", Image.fromarray(pixels[..., 0].astype(np.uint16) * 200), {}),
        ("d.jpg", image.convert("RGB"), {"exif": turned}),
        ("e.jpg", image.convert("CMYK"), {}),
        ("f.gif", image.convert("P"), {}),
        ("g.webp", image, {"lossless": True}),
        ("h.bmp", image.convert("RGB"), {}),
        ("i.tif", image, {"compression": "tiff_lzw"}),
        (
            "j.webp",
            image.convert("RGB"),
            {"save_all": True, "append_images": [image.convert("RGB").rotate(90)]},
        ),
    ]
    found = []
    for name, value, options in rows:
        content = io.BytesIO()
        value.save(content, {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper()), **options)
        found.append(_single(name, content.getvalue()))
    return found


def read_still(folder: Path, name: str) -> None:
    """Read an image as a still of a job, and as image and mask of a benchmark."""
    from seac.core.errors import InputError
    from seac.datasets import images
    from seac.media.image import read_image

    path = folder / name
    refused = None
    readers: list[Callable[[Path], object]] = [
        read_image,
        images.read_rgb,
        images.read_image_size,
        images.read_one_bit,
        images.read_above_zero,
        lambda file: images.read_indices(file, 256),
    ]
    for read in readers:
        try:
            read(path)
        except InputError as error:
            refused = error
    if refused is not None:
        raise refused


# ------------------------------------------------------------------------------------- tables and JSON


def csv_seeds(scratch: Path) -> list[Files]:
    """CSV files of VGGSound, of pairs, of the second VGG-SS list, and lists of ids."""
    return [
        _single("vggsound.csv", b'abcdefghijk,10,dog barking,test\nABCDEFGHIJK,0,"a, b",train\n' * 3),
        _single("pairs.csv", b"image,audio,id,label\na.png,a.wav,one,dog\nb.png,b.wav,two,cat\n"),
        _single("ids.csv", b"\xef\xbb\xbfid,split\nabcdefghijk_000010,train\nABCDEFGHIJK_000000,test\n"),
        _single("ids.txt", b"# clips\nabcdefghijk_000010\nABCDEFGHIJK 10 x train\n\n"),
        _single("confidence.csv", b"id,confidence\none,0.5\ntwo,0.25\n"),
    ]


def read_csv(folder: Path, name: str) -> None:
    """Read a list with the functions that read lists of its kind."""
    from seac.core.errors import InputError
    from seac.datasets.extended_vggss import read_pairs
    from seac.datasets.pairs.folders import read_list
    from seac.datasets.pairs.table import read_excluded
    from seac.datasets.vggsound import read_vggsound
    from seac.evaluation.external import confidences
    from seac.evaluation.leakage import read_ids

    path = folder / name
    refused = None
    for read in (
        *(read_vggsound, read_list, read_excluded, confidences, read_ids),
        *(lambda file: read_ids(file, "train"), lambda file: list(read_pairs(file))),
    ):
        try:
            read(path)
        except InputError as error:
            refused = error
    if refused is not None:
        raise refused


def json_seeds(scratch: Path) -> list[Files]:
    """Annotations, a decision, a record of files and the class list of a benchmark."""
    box = {"file": "abcdefghijk_000010", "class": "dog", "bbox": [[0.1, 0.2, 0.5, 0.9], [0, 0, 1, 1]]}
    decision = {
        **{"format": "seac decision", "version": 1, "threshold": 0.5, "mute": [1], "solo": [2]},
        **{
            "rename": {"3": "kettle"},
            "min_duration": 0.2,
            "max_gap": 0.1,
            "vocabulary": ["dog"],
            "find": "a dog",
        },
    }
    state = {"bytes": 3, "changed": 5, "sha256": "0" * 64}
    record = {
        **{"format": "seac files 1", "made_of": {"fps": 4}, "made": ["a.txt"]},
        "files": {"a.txt": [state], "masks/": []},
    }
    return [
        _single(name, json.dumps(value).encode())
        for name, value in (
            ("vggss.json", [box, box]),
            ("decision.json", decision),
            (".seac.json", record),
            ("label2idx.json", {"background": 0, "dog": 1, "cat": 2}),
        )
    ]


def read_json(folder: Path, name: str) -> None:
    """Read a JSON file by its name."""
    from seac.core.ownership import read_record
    from seac.datasets.avsbench_semantic import read_classes
    from seac.datasets.vggss import read_annotations
    from seac.results.decision_file import read_decision

    if name == "decision.json":
        read_decision(folder).options()
    elif name == ".seac.json":
        record = read_record(folder)
        [record.owns(folder, each) for each in record.files]
    elif name == "label2idx.json":
        read_classes(folder / name)
    else:
        read_annotations(folder / name)


def calibration_seeds(scratch: Path) -> list[Files]:
    """The calibration of the default association."""
    from seac.decision import calibration_file
    from seac.decision.calibration import Calibration

    calibration_file.write(Calibration.load(), scratch / "calibration.json", {"data": "seed"})
    return [_single("calibration.json", (scratch / "calibration.json").read_bytes())]


def read_calibration(folder: Path, name: str) -> None:
    """Read a calibration."""
    from seac.decision import calibration_file

    calibration_file.is_calibration(folder / name)
    calibration_file.read(folder / name)


def vocabulary_seeds(scratch: Path) -> list[Files]:
    """Lists of class names."""
    return [
        _single("names.txt", "dog\ncat # pet\nélan\n\npipe organ\n".encode()),
        _single("names.txt", b"dog,cat"),
    ]


def read_vocabulary(folder: Path, name: str) -> None:
    """Read names from a file, and from a string of the same content."""
    from seac.classify.vocabulary import parse

    text = (folder / name).read_bytes().decode("utf-8", "surrogateescape")
    refused = None
    for given in (folder / name, text):
        try:
            parse(given)
        except ValueError as error:
            refused = error
    if refused is not None:
        raise refused


# -------------------------------------------------------------------------------------- stores, weights


def _files_of(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def store_seeds(scratch: Path) -> list[Files]:
    """A feature store with a shard and pending files."""
    from seac.features.schema import payload
    from seac.features.writer import StoreWriter
    from tests.fixtures.pairs import PROVENANCE, clip

    found: list[Files] = []
    for merged in (True, False):
        folder = scratch / f"store{merged}"
        with StoreWriter(folder, PROVENANCE) as writer:
            for number in range(3):
                writer.add(payload(clip(number)))
            if merged:
                writer.compact()
        (folder / "unreadable.csv").write_text("id,reason\nx,broken\n", encoding="utf-8")
        found.append(_files_of(folder))
    return found


def read_store(folder: Path, name: str) -> None:
    """Open a store, read every clip and its masks, a batch, and verify its files."""
    from seac.features import open_store
    from seac.features.unreadable import read_unreadable
    from seac.features.verify import verify

    read_unreadable(folder)
    verify(folder)
    store = open_store(folder)
    for clip in store:
        for frame in clip.frames:
            _ = frame.proposals
    if len(store):
        store.read([0], [0], masks=2, waveforms=True, probabilities=True, geometry=True)


def result_seeds(scratch: Path) -> list[Files]:
    """A result folder with two row groups of key frames."""
    from tests.results.synthetic import make_values, write_result

    return [_files_of(write_result(scratch / "result", make_values(3, frames=6)))]


def repair_result(files: dict[str, bytes]) -> None:
    """Set sizes, rows and checksums of the manifest to those of the tables."""
    import pyarrow.parquet as pq

    try:
        manifest = json.loads(files["store/manifest.json"])
        for name, entry in manifest["files"].items():
            content = files[f"store/{name}"]
            rows = pq.read_metadata(io.BytesIO(content)).num_rows
            entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), rows=rows)
    except Exception:  # the mutation left nothing that can be repaired
        return
    files["store/manifest.json"] = json.dumps(manifest).encode()


def read_result(folder: Path, name: str) -> None:
    """Open a result, decode the masks of its key frames and decide."""
    from seac.results.decide import decide
    from seac.results.reader import open_result
    from seac.results.rle import decode_rle

    result = open_result(folder)
    for frame in islice(result.key_frames(), 20):
        decode_rle(frame.masks, result.info.size)
    decide(result)


def safetensors_seeds(scratch: Path) -> list[Files]:
    """Weights with metadata; a sounding head of a training run."""
    import torch

    from seac.core.checkpoint import save_with_metadata

    state = {"one.weight": torch.ones(3, 4), "one.bias": torch.zeros(3), "half": torch.ones(2).half()}
    notes = {"format": "seac association 1", "config": {"dim": 4, "heads": [1, 2]}, "provenance": {"a": "b"}}
    save_with_metadata(state, notes, scratch / "a.safetensors")
    return [_single("a.safetensors", (scratch / "a.safetensors").read_bytes())]


def read_safetensors(folder: Path, name: str) -> None:
    """Read weights with every loader of safetensors files."""
    from seac.associate import trained
    from seac.core.checkpoint import load_with_metadata
    from seac.core.errors import InputError
    from seac.decision import trained_head
    from seac.weights.load import load_state

    refused = None
    for read in (load_with_metadata, load_state, trained.read, trained_head.read):
        try:
            read(folder / name)
        except InputError as error:
            refused = error
    if refused is not None:
        raise refused


def checkpoint_seeds(scratch: Path) -> list[Files]:
    """A checkpoint of a training run, a state dict, and the arrays of a prediction."""
    import torch

    from seac.training.checkpoint import Position, save
    from seac.training.history import History

    position = Position(1, 2, {"weight": torch.ones(4, 3)}, {"state": {}, "lr": 0.1}, History())
    save(scratch, position, {"seed": 1})
    torch.save({"state_dict": {"a": torch.ones(5)}, "epoch": 3}, scratch / "state.pt")
    found = [_single("checkpoint.pt", (scratch / "checkpoint.pt").read_bytes())]
    return [*found, _single("state.pt", (scratch / "state.pt").read_bytes())]


def read_checkpoint(folder: Path, name: str) -> None:
    """Read a checkpoint with every loader of PyTorch files."""
    from seac.training import checkpoint
    from seac.weights.load import load_state

    if name == "checkpoint.pt":
        checkpoint.is_checkpoint(folder / name)
        checkpoint.load(folder, {"seed": 1})
    else:
        load_state(folder / name, "state_dict")


def array_seeds(scratch: Path) -> list[Files]:
    """Arrays of external predictions, and a cached prediction."""
    import torch

    from seac.evaluation import answer

    content = io.BytesIO()
    np.save(content, np.linspace(0, 1, 60, dtype=np.float32).reshape(3, 4, 5))
    value = answer.ClipAnswer(
        torch.rand(2, 4, 5), torch.rand(2), torch.ones(2, dtype=torch.bool), None, torch.rand(2)
    )
    answer.save(scratch, "one", value)
    return [_single("a.npy", content.getvalue()), _single("one.npz", (scratch / "one.npz").read_bytes())]


def read_arrays(folder: Path, name: str) -> None:
    """Read an array of predictions."""
    from seac.evaluation import answer
    from seac.evaluation.external import read_array

    if name.endswith(".npz"):
        answer.is_answer(folder / name)
        answer.load(folder / name)
    else:
        read_array(folder / name)


def option_seeds(scratch: Path) -> list[Files]:
    """Values of options of the command line, one a line."""
    rows = (
        ("1,2,3", "3=kettle", "4", "640x480", "overlay,masks", "dog"),
        ("7", "0=a=b", "auto", "1x1", "coco", ""),
    )
    content = io.StringIO()
    csv.writer(content).writerows(rows)
    return [_single("options.csv", content.getvalue().encode())]


def read_options(folder: Path, name: str) -> None:
    """Parse every cell as every kind of option."""
    from seac.cli.decide import parse_renames, parse_tracks
    from seac.cli.profile import parse_size
    from seac.cli.segment import parse_fps
    from seac.core.errors import InputError
    from seac.export.table import parse_names

    text = (folder / name).read_bytes().decode("utf-8", "replace")
    refused = None
    for cell in [*text.replace("\n", ",").split(",")[:50], *text.split("\n")[:10]]:
        for parse in (
            *(lambda cell: parse_tracks("--mute", cell), lambda cell: parse_renames([cell])),
            *(parse_size, parse_fps, parse_names),
        ):
            try:
                parse(cell)
            except InputError as error:
                refused = error
    if refused is not None:
        raise refused


READERS: dict[str, Reader] = {
    "containers": Reader(video_seeds, read_video, share=1.5),
    "audio": Reader(audio_seeds, read_audio, share=1.0),
    "images": Reader(still_seeds, read_still, share=2.0),
    "csv": Reader(csv_seeds, read_csv, share=3.0),
    "json": Reader(json_seeds, read_json, share=3.0),
    "calibration": Reader(calibration_seeds, read_calibration, share=1.0),
    "vocabulary": Reader(vocabulary_seeds, read_vocabulary, share=1.0),
    "feature store": Reader(store_seeds, read_store, share=2.0),
    "result folder": Reader(result_seeds, read_result, repair_result, share=2.0),
    "safetensors": Reader(safetensors_seeds, read_safetensors, share=2.0),
    "checkpoints": Reader(checkpoint_seeds, read_checkpoint, share=1.0),
    "arrays": Reader(array_seeds, read_arrays, share=1.0),
    "options": Reader(option_seeds, read_options, share=1.0),
}
