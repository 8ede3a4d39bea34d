"""Predict a benchmark with several methods: one file per clip and method, so a run can be resumed."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from seac.core.atomic import write_atomic
from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader
from seac.evaluation.answer import SUFFIX, ClipAnswer, is_answer, path_of, save
from seac.evaluation.cached_model import EncodingCache
from seac.evaluation.methods import Method
from seac.evaluation.scene import Scene, SceneAudio, SceneImage
from seac.evaluation.timer import ProgressTimer

SETTINGS = "settings.json"


def folder_of(store: Path, method: str) -> Path:
    """Folder of a method's predictions, usable as ``--predictions``."""
    return store / "".join(letter if letter.isalnum() else "-" for letter in method.lower())


def open_store(store: Path, methods: Iterable[str], settings: Mapping[str, Any]) -> None:
    """Make the folders of a run, or resume an earlier run with the same settings.

    Raises:
        InputError: the folder has predictions of other settings; the message lists the differences.
    """
    settings_json = json.loads(json.dumps(settings))
    record = store / SETTINGS
    if record.is_file():
        try:
            stored = json.loads(record.read_text(encoding="utf-8"))
        except ValueError:
            stored = {}
        differ = sorted(key for key in settings_json | stored if settings_json.get(key) != stored.get(key))
        if differ:
            raise InputError(
                f"{store} holds predictions of other settings ({', '.join(differ)} differ): "
                "give another folder with -o, or --again to delete them"
            )
    for method in methods:
        folder_of(store, method).mkdir(parents=True, exist_ok=True)
    write_atomic(record, json.dumps(settings_json, indent=1) + "\n")


def check_store(store: Path) -> None:
    """Refuse a folder for predictions that holds other files.

    Raises:
        InputError: it is a link or a file, or has content without a settings file of seac.
    """
    line = f"cannot write to {store} (it is there, and not seac's): move it away, or give another folder"
    if not os.path.lexists(store):
        return
    if store.is_symlink() or not store.is_dir():
        raise InputError(line)
    if not any(store.iterdir()):
        return
    record = store / SETTINGS
    try:
        stored = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = None
    if (
        record.is_symlink()
        or not isinstance(stored, dict)
        or not stored.keys() >= {"benchmark", "split", "seed"}
    ):
        raise InputError(line)


def clear_store(store: Path) -> None:
    """Remove the predictions and their settings from a folder; other files stay.

    Raises:
        InputError: see :func:`check_store`.
    """
    check_store(store)
    if not store.is_dir():
        return
    for folder in [item for item in store.iterdir() if item.is_dir() and not item.is_symlink()]:
        for path in folder.glob(f"*{SUFFIX}"):
            if not path.is_symlink() and is_answer(path):
                path.unlink()
        with suppress(OSError):  # other files are in the folder
            folder.rmdir()
    (store / SETTINGS).unlink(missing_ok=True)


def predict(
    reader: Reader,
    clips: tuple[Clip, ...],
    methods: tuple[Method, ...],
    store: Path,
    timer: ProgressTimer,
    seed: int,
) -> None:
    """Predict every clip without a prediction; all methods share the encodings.

    Consecutive clips with the same frames (the variants of a robustness test) share the encodings of images.
    An encoding is dropped after the clips that need it, so memory does not grow with the benchmark.
    """
    cache = EncodingCache()
    images: dict[Path, SceneImage] = {}
    for clip in timer.over(clips, "answering"):
        pending = [each for each in methods if not path_of(folder_of(store, each.name), clip.id).is_file()]
        if not pending:
            continue
        images = {path: image for path, image in images.items() if path in clip.frames}
        cache.retain(images)
        with timer.time("answering"):
            answers = answer_clip(reader, clip, pending, images, cache, seed)
        for method, answer in zip(pending, answers, strict=True):
            save(folder_of(store, method.name), clip.id, answer)


def answer_clip(
    reader: Reader,
    clip: Clip,
    methods: list[Method],
    images: dict[Path, SceneImage],
    cache: EncodingCache,
    seed: int,
) -> list[ClipAnswer]:
    """Predict one clip with all methods, in order.

    Args:
        reader: reads frames, audio and truth.
        clip: the clip.
        methods: methods that predict.
        images: frames that have been read, by path; those of this clip are added.
        cache: cache of encodings; those of this clip are added.
        seed: of random methods; the clip's id is mixed in, so results do not depend on order or resumption.
    """
    truth, audio = reader.truth(clip), SceneAudio(reader, clip)
    generator = torch.Generator().manual_seed((seed << 32) + zlib.crc32(clip.id.encode()))
    rows: list[list[Any]] = [[] for _ in methods]
    for frame, path in enumerate(clip.frames):
        if path not in images:
            images[path] = SceneImage(reader, clip, frame)
        window = clip.audio_windows[frame]
        scene = Scene(images[path], audio, window, reader.kind, truth[frame], generator, cache)
        for row, method in zip(rows, methods, strict=True):
            row.append(method(scene))
    return [ClipAnswer.of(row) for row in rows]
