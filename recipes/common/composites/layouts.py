"""Writers of composites in the layouts of the public benchmarks, one function per layout.

Clip ``i`` is a function of (seed, layout, i): more clips or other layouts do not change the other clips.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recipes.common.composites.audio import mix_sources, write_wav
from recipes.common.composites.clips import CompositeClip, render_multi_source, render_single_source
from recipes.common.composites.media import Media
from recipes.common.media_bank import to_class_name
from seac.core.pixels import voc_palette

S4_STREAM, MS3_STREAM, AVSS_STREAM, VGGSS_STREAM, NEGATIVE_STREAM = range(5)
SECONDS, AVSS_SECONDS = 5, 10
SILENT_SHARE = 0.1
"""Share of MS3 and AVSS clips with one second without a source."""
SILENT_EVERY = 4
"""One in this many negatives of the extended VGG-SS has room noise; the others have another class."""
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Layout:
    """A layout: its folder in OUT, the default number of clips, and its writer."""

    folder: str
    count: int
    write: Callable[[Media, Path, int, int, str], None]


def write_s4(media: Media, root: Path, count: int, seed: int, split: str) -> None:
    """Write AVSBench S4: one sounding class, five frames with masks (split train: only the first mask)."""
    rows = []
    for number in range(count):
        rng = np.random.default_rng((seed, S4_STREAM, number))
        category = media.classes[number % len(media.classes)]
        clip = render_single_source(rng, media, category, int(rng.choice([1, 1, 2])), SECONDS, SECONDS)
        name = f"{category}_{number:04d}"
        below = Path(split, category)
        for frame, scene in enumerate(clip.frames):
            file = Path(name, f"{name}_{frame + 1}.png")
            save_image(scene.image, root / "s4_data/visual_frames" / below / file)
            if split != "train" or frame == 0:
                save_mask(clip, frame, root / "s4_data/gt_masks" / below / file)
        write_wav(root / "s4_data/audio_wav" / below / f"{name}.wav", clip.waveform)
        rows.append((name, 0, category, split))
    write_rows(root / "s4_meta_data.csv", ("name", "start", "category", "split"), rows)


def write_ms3(media: Media, root: Path, count: int, seed: int, split: str) -> None:
    """Write AVSBench MS3: two classes active in some seconds, five frames, masks of the active objects."""
    rows = []
    for number in range(count):
        rng = np.random.default_rng((seed, MS3_STREAM, number))
        clip = render_multi_source(rng, media, SECONDS, SILENT_SHARE)
        video = f"multi{number:04d}"
        for frame, scene in enumerate(clip.frames):
            save_image(scene.image, root / "ms3_data/visual_frames" / video / f"{video}.mp4_{frame + 1}.png")
            save_mask(clip, frame, root / "ms3_data/gt_masks" / split / video / f"{video}_{frame + 1}.png")
        write_wav(root / "ms3_data/audio_wav" / split / f"{video}.wav", clip.waveform)
        rows.append((video, split))
    write_rows(root / "ms3_meta_data.csv", ("video_id", "split"), rows)


def write_avss(media: Media, root: Path, count: int, seed: int, split: str) -> None:
    """Write AVSBench-semantic, subset v2: as MS3, with ten frames and the class of each sounding pixel."""
    numbers = {name: number for number, name in enumerate(media.classes, 1)}
    palette = voc_palette(len(numbers) + 1)
    rows = []
    for index in range(count):
        rng = np.random.default_rng((seed, AVSS_STREAM, index))
        clip = render_multi_source(rng, media, AVSS_SECONDS, SILENT_SHARE)
        uid = f"clip{index:04d}_0_10000"
        home = root / "v2" / uid
        for frame, scene in enumerate(clip.frames):
            labels = clip.labels(frame, numbers)
            save_image(scene.image, home / f"frames/{frame}.jpg", quality=JPEG_QUALITY)
            save_image(labels, home / f"labels_semantic/{frame}.png")
            save_image(palette[labels], home / f"labels_rgb/{frame}.png")
        write_wav(home / "audio.wav", clip.waveform)
        objects = "_".join(map(to_class_name, clip.names))
        rows.append((f"clip{index:04d}", uid, 0, 0, objects, split, "v2"))
    write_rows(root / "metadata.csv", ("vid", "uid", "s_min", "s_sec", "a_obj", "split", "label"), rows)
    named = {"background": 0, **{to_class_name(name): number for name, number in numbers.items()}}
    (root / "label2idx.json").write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")


def write_vggss(media: Media, root: Path, count: int, seed: int, split: str) -> None:
    """Write VGG-SS: one frame, and a box of the sounding object; and the extension with as many negatives.

    The only split is test; ``split`` is ignored.
    """
    entries, ids = [], []
    for number in range(count):
        rng = np.random.default_rng((seed, VGGSS_STREAM, number))
        name = media.classes[number * 7 % len(media.classes)]
        clip = render_single_source(rng, media, name, int(rng.choice([0, 1, 1, 2])), 1, SECONDS)
        id_ = f"clip{number:04d}_000000"
        save_image(clip.frames[0].image, root / f"frames/{id_}.jpg", quality=JPEG_QUALITY)
        write_wav(root / f"audio/{id_}.wav", clip.waveform)
        entries.append({"file": id_, "class": to_class_name(name), "bbox": [bounding_box(clip.mask(0))]})
        ids.append((id_, name))
    (root / "vggss.json").write_text(json.dumps(entries) + "\n", encoding="utf-8")
    write_rows(root / "vggss_test.csv", None, [(id_,) for id_, _ in ids])
    write_negatives(media, root, ids, seed)


def write_negatives(media: Media, root: Path, positives: Sequence[tuple[str, str]], seed: int) -> None:
    """Write a negative for each positive (id, class): its frame with audio of another class or room noise."""
    rows = []
    for name in ("extend_frames", "extend_audio"):
        (root / name).mkdir()
    for number, (id_, class_name) in enumerate(positives):
        rng = np.random.default_rng((seed, NEGATIVE_STREAM, number))
        others = [other for other, other_class in positives if other_class != class_name]
        if number % SILENT_EVERY == 0 or not others:
            audio = f"silent{number:04d}_000000"
            write_wav(
                root / f"extend_audio/{audio}.wav", mix_sources(rng, media, (), np.ones((0, SECONDS), bool))
            )
        else:
            audio = others[rng.integers(len(others))]
            shutil.copyfile(root / f"audio/{audio}.wav", root / f"extend_audio/{audio}.wav")
        shutil.copyfile(root / f"frames/{id_}.jpg", root / f"extend_frames/{id_}.jpg")
        rows.append((id_, audio, "non-sounding"))
    write_rows(root / "vggss_test_plus_silent.csv", ("video", "audio", "label"), rows)


LAYOUTS = {
    "s4": Layout("Single-source", 60, write_s4),
    "ms3": Layout("Multi-sources", 40, write_ms3),
    "avss": Layout("AVSBench-semantic", 30, write_avss),
    "vggss": Layout("vggss", 100, write_vggss),
}


def bounding_box(mask: NDArray[np.bool_]) -> list[float]:
    """The bounding box (x1, y1, x2, y2) of a nonempty mask (H, W), relative to the size of the frame."""
    height, width = mask.shape
    ys, xs = np.nonzero(mask)
    left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    return [float(left / width), float(top / height), float(right / width), float(bottom / height)]


def save_image(image: NDArray[np.uint8], path: Path, **options: Any) -> None:
    """Write an image in the format of the suffix; missing folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def save_mask(clip: CompositeClip, frame: int, path: Path) -> None:
    """Write the mask of the sounding objects of a frame: 255, and 0 elsewhere."""
    save_image((clip.mask(frame) * 255).astype(np.uint8), path)


def write_rows(path: Path, header: Sequence[str] | None, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file with an optional header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*([header] if header else []), *rows])
