"""Methods over a benchmark: one answer file per clip and method, so that a run goes on where it was."""

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
    """Where a method's answers lie: readable, and usable as ``--predictions``."""
    return store / "".join(letter if letter.isalnum() else "-" for letter in method.lower())


def open_store(store: Path, methods: Iterable[str], settings: Mapping[str, Any]) -> None:
    """Make the folders of a run, or go on with those of an earlier run under the same settings.

    Raises:
        InputError: the folder holds answers under other settings; the line says which differ.
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
                f"{store} holds answers under other settings ({', '.join(differ)} differ): "
                "give another folder with -o, or --again to throw them away"
            )
    for method in methods:
        folder_of(store, method).mkdir(parents=True, exist_ok=True)
    write_atomic(record, json.dumps(settings_json, indent=1) + "\n")


def check_store(store: Path) -> None:
    """Refuse a folder for answers that holds something else.

    Raises:
        InputError: it is a link or a file, or has content and no settings of ours.
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
    """Remove the answers in a folder, and their settings; what else is there stays.

    Raises:
        InputError: it holds something else, see :func:`check_store`.
    """
    check_store(store)
    if not store.is_dir():
        return
    for folder in [item for item in store.iterdir() if item.is_dir() and not item.is_symlink()]:
        for path in folder.glob(f"*{SUFFIX}"):
            if not path.is_symlink() and is_answer(path):
                path.unlink()
        with suppress(OSError):  # others have files there
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
    """Answer every clip that has no answer yet; encodings are shared by all methods.

    Clips in a row with the same frames (the variants of a robustness test) share the encodings of images. No
    encoding outlives the clips that need it, so memory does not grow with the benchmark.
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
    """One clip under all methods, in their order.

    Args:
        reader: reads frames, audio and truth.
        clip: the clip.
        methods: give the answers.
        images: frames that have been read, by path; those of this clip are added.
        cache: of encodings; those of this clip are added.
        seed: of methods that draw; the clip's id is mixed in, so order and resumption do not matter.
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
