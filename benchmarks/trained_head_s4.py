"""How well a sounding head decides that was trained and calibrated without labels, on data with known truth.

    python -m benchmarks.trained_head --train STORE FOLDER --dev STORE FOLDER --runs RUN [RUN ...]
                                      [--page docs/training.md]

Stores and folders are those of S4: ``seac extract`` reads a folder into a store, ``seac train`` makes a run
of the train store. The decision of each run is measured on every frame of dev, under own audio, the audio of
other clips, and noise. It is compared with similarity plus objectness, and both with a calibration to the
labels of the clips that the run has held out. With several runs (seeds), metrics are mean and standard
deviation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks import tables
from seac.associate.aggregate import minmax, paint_masks
from seac.core.types import EncodedAudio, EncodedImage, MaskEmbeddings
from seac.datasets.clip import Clip, Reader
from seac.datasets.table import open_benchmark
from seac.decision.calibration import Calibration
from seac.decision.fit import Sample, build_sample, fit
from seac.decision.fit_swap import SwapLogits, fit_swap
from seac.decision.sounding import decide
from seac.decision.trained_head import IDENTITY
from seac.evaluation.scene import at_size
from seac.evaluation.swap import draw_partners
from seac.features import open_store
from seac.features.clip_features import ClipFeatures, FrameFeatures, as_float
from seac.features.reader import Store
from seac.jobs.train import HELD_OUT, split
from seac.media.noise import noise_waveforms
from seac.media.waveform import crop_waveform
from seac.metrics.functional.avsbench import avsbench_fixed
from seac.metrics.functional.robustness import auroc
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.training.config import TrainingConfig

OTHERS, NOISES = 2, 2
SECTION = "trained head"
HEADS = {"objectness": "similarity + objectness", "trained": "trained head"}
COLUMNS = (
    *("decided mIoU", "decided F", "heatmap mIoU", "active, own", "active, other", "active, noise"),
    "AUROC own, other",
)


@dataclass(frozen=True)
class TrueFrame:
    """A stored frame with its truth, under own audio, that of other clips, and noise.

    Attributes:
        image: the frame.
        masks: (N, h, w) bool at the size of the truth.
        truth: (h, w) bool.
        own: own audio.
        other: audio of other clips.
        noise: waveforms without a source.
    """

    image: EncodedImage
    masks: Tensor
    truth: Tensor
    own: EncodedAudio
    other: tuple[EncodedAudio, ...]
    noise: tuple[EncodedAudio, ...]


def true_frames(model: SeAC, store: Store, rows: list[int], reader: Reader) -> Iterator[TrueFrame]:
    """Frames of stored clips that have masks; the audio is encoded again, in windows around each frame."""
    by_id = {f"s4/{clip.id}": clip for clip in reader.clips}
    clips: list[tuple[ClipFeatures, Clip]] = [(store[row], by_id[store.ids[row]]) for row in rows]
    partners = draw_partners(len(clips), OTHERS, 0)
    rate, window = store.sample_rate, model.settings.audio_window
    noise = [model.encode_audio(wave, rate) for wave in noise_waveforms(16, rate, 1)]
    for number, (features, clip) in enumerate(clips):
        truth = reader.truth(clip) >= 0.5
        for at, frame in enumerate(features.frames):
            if len(frame) == 0:
                continue

            def near(other: ClipFeatures, time: float = frame.time) -> EncodedAudio:
                part = crop_waveform(as_float(other.waveform), rate, time, window)
                return model.encode_audio(part, rate)

            yield TrueFrame(
                encoded_image(frame),
                at_size(frame.proposals.masks, (int(truth.shape[1]), int(truth.shape[2]))),
                truth[at],
                near(features),
                tuple(near(clips[other][0]) for other in partners[number]),
                tuple(noise[(number + NOISES * at + step) % len(noise)] for step in range(NOISES)),
            )


def encoded_image(frame: FrameFeatures) -> EncodedImage:
    """A stored frame as the sounding head takes it."""
    stored = frame.embeddings
    embeddings = MaskEmbeddings(stored.local.float(), stored.context.float())
    if stored.local_probabilities is not None and stored.context_probabilities is not None:
        embeddings = replace(
            embeddings,
            local_probabilities=stored.local_probabilities.float(),
            context_probabilities=stored.context_probabilities.float(),
        )
    pixels = torch.zeros(3, *frame.size, dtype=torch.uint8)
    return EncodedImage(pixels, frame.size, frame.proposals, embeddings, torch.zeros(len(frame), 0))


def logits_of(model: SeAC, image: EncodedImage, audio: EncodedAudio) -> Tensor:
    """Logits (N,) of the model's sounding head."""
    similarity = model.stages.association(image.embeddings, audio.features).float().cpu()
    return model.stages.sounding_head(similarity, image, audio, model.settings.objectness)


def swap_logits(model: SeAC, frame: TrueFrame) -> SwapLogits:
    """Logits of a frame under every audio."""

    def rows(every: tuple[EncodedAudio, ...]) -> Tensor:
        found = [logits_of(model, frame.image, audio) for audio in every if not audio.summary.inactive]
        return torch.stack(found) if found else torch.zeros(0, len(frame.masks))

    return SwapLogits(logits_of(model, frame.image, frame.own), rows(frame.other), rows(frame.noise))


def labelled_samples(model: SeAC, frame: TrueFrame) -> Iterator[Sample]:
    """Samples of ``seac calibrate``: the frame under own audio, and under that of another clip."""
    nothing = torch.zeros_like(frame.truth)
    for audio, truth in ((frame.own, frame.truth), (frame.other[0], nothing)):
        visible = bool(truth.any())
        yield build_sample(
            *(frame.masks, truth, logits_of(model, frame.image, audio), 0.0),
            "visible" if visible else "off-screen",
            inactive=audio.summary.inactive,
        )


def calibrations(model: SeAC, frames: list[TrueFrame]) -> dict[str, Calibration]:
    """Calibrations of a model by name, fitted to held-out frames of the train store."""
    samples = [sample for frame in frames if frame.truth.any() for sample in labelled_samples(model, frame)]
    absolute = model.stages.sounding_head.absolute
    own = {"as trained": IDENTITY} if absolute else {"as shipped": model.stages.calibration}
    without = (
        model.stages.calibration
        if absolute  # seac train fitted it
        else fit_swap([swap_logits(model, frame) for frame in frames], model.stages.calibration)
    )
    gate = model.stages.calibration.noise_gate
    labelled = replace(fit(samples).constants, noise_gate=gate)
    return {**own, "no labels": without, "labels (bound)": labelled}


def scores(model: SeAC, frames: list[TrueFrame], calibration: Calibration) -> dict[str, float]:
    """Metrics of a calibration, by :data:`COLUMNS`."""
    absolute, temperature = model.stages.sounding_head.absolute, model.settings.softmax_temperature
    likeliest: dict[str, list[float]] = {"own": [], "other": [], "noise": []}
    active: dict[str, list[float]] = {"own": [], "other": [], "noise": []}
    heat, decided, truths = [], [], []
    for frame in frames:
        kinds = {"own": (frame.own,), "other": frame.other, "noise": frame.noise}
        for name, every in kinds.items():
            for audio in every:
                logits, silent = logits_of(model, frame.image, audio), audio.summary.inactive
                found = decide(logits, calibration, temperature, absolute=absolute, inactive=silent)
                active[name].append(float(found.sounding.any()))
                likeliest[name].append(float(found.probability.max()))
                if name == "own" and frame.truth.any():
                    scaled = (found.scores if absolute else minmax(found.scores)) * (not silent)
                    heat.append(paint_masks(scaled, frame.masks))
                    decided.append(frame.masks[found.sounding].any(0).float())
                    truths.append(frame.truth)
    painted, union = (avsbench_fixed(torch.stack(x), torch.stack(truths)) for x in (heat, decided))
    both = torch.tensor([*likeliest["own"], *likeliest["other"]])
    return dict(
        zip(
            COLUMNS,
            (
                *(union["miou"], union["fscore"], painted["miou"]),
                *(float(np.mean(active[name])) for name in ("own", "other", "noise")),
                auroc(both, torch.arange(len(both)) < len(likeliest["own"])),
            ),
            strict=True,
        )
    )


def evaluate_run(run: Path, given: argparse.Namespace) -> dict[tuple[str, str], dict[str, float]]:
    """Metrics of a run by head and calibration."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    config = TrainingConfig(**record["config"])
    train, dev = (open_store(Path(each[0])) for each in (given.train, given.dev))
    held_out = split(train, replace(config, held_out=config.held_out or HELD_OUT))[1].rows
    readers = [
        open_benchmark("s4", Path(each[1]), name)
        for each, name in ((given.train, given.train_split), (given.dev, given.dev_split))
    ]
    found = {}
    for head, title in HEADS.items():
        model = load(record["preset"], association_weights=run, sounding_head=head)
        chosen = list(true_frames(model, train, list(held_out), readers[0]))
        measured = list(true_frames(model, dev, list(range(len(dev))), readers[1]))
        for name, calibration in calibrations(model, chosen).items():
            found[title, name] = scores(model, measured, calibration)
    return found


def lines(found: list[Mapping[tuple[str, str], Mapping[str, float]]], clips: tuple[int, int]) -> list[str]:
    """The section of the page."""

    def cells(key: tuple[str, str]) -> list[str]:
        return [tables.format_spread([each[key][column] for each in found]) for column in COLUMNS]

    rows = [[", ".join(key), *cells(key)] for key in found[0]]
    note = (
        f"{clips[0]} clips to train (a fifth held out for the calibration), {clips[1]} to measure, "
        f"{len(found)} seeds; percent."
    )
    return [note, "", *tables.table(("head, calibration", *COLUMNS), rows)]


def main() -> None:
    """Measure, print, and write the page if one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--train", nargs=2, required=True, metavar=("STORE", "FOLDER"))
    parser.add_argument("--dev", nargs=2, required=True, metavar=("STORE", "FOLDER"))
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--dev-split", default="val")
    parser.add_argument("--runs", nargs="+", type=Path, required=True)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = [evaluate_run(run, given) for run in given.runs]
    clips = len(open_store(Path(given.train[0]))), len(open_store(Path(given.dev[0])))
    written = lines(found, clips)
    print("\n".join(written))
    if given.page is not None:
        tables.replace_section(given.page, SECTION, written)


if __name__ == "__main__":
    main()
