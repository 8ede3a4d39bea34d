"""How well a sounding head decides that is trained and calibrated without labels, on data with known truth.

    python -m benchmarks.trained_head --frames TRAIN DEV --clips TRAIN DEV [--counts 200 1000] [--seeds 0 1]
                                      [--shares 0 1] [--steps 600] [--page docs/training.md]

Pairs are photographs with a recording of a class that is in them, as the recipe of the shipped sounding
head encoded them (``python -m recipes.sounding``: folders ``photographs-*``, files ``clips-*.pt``), with the
encoders of ``tiny``. Training reads only the pairs; labels make the pairs, the bound, and the metrics. A mask
is right if its IoU with an instance of the sounding class is at least .5.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from benchmarks import tables
from recipes.sounding.frames import FrameFeatures, read_frames
from recipes.sounding.recordings import NOISE, Clips
from recipes.sounding.scenes import audible_sources_of
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.types import MaskEmbeddings
from seac.decision.base import ObjectnessSum
from seac.decision.calibration import Calibration
from seac.decision.fit import COVERS, Sample, curve
from seac.decision.fit_swap import SwapLogits, fit_swap, report_swap
from seac.decision.network_head import limited_log_odds
from seac.decision.sounding import sounding
from seac.decision.trained_head import IDENTITY, OBJECTNESS, TrainedHeadWeights, classless_inputs
from seac.encoders.vision.efficientnet_lite import EfficientNetLite as Vision
from seac.features.batch import MemoryStore
from seac.jobs.train import HELD_OUT, split
from seac.presets.load import Assembly
from seac.presets.spec import ModelSpec
from seac.training.config import TrainingConfig
from seac.training.sounding import HeadFitting, train_head
from seac.training.trainer import Fitting, fit

SECTION = "trained head"
OTHERS, NOISES = 2, 1
CONFIG = TrainingConfig(
    lr=1e-3, schedule="cosine", weight_decay=0.05, warmup=0.1, epochs=9, batch=96, n_masks=20, mixing=0.0,
    loss="false-negative-aware", width=192, depth=0, heads=4, input_dropout=0.3, image_components=192,
    audio_components=128,
)  # fmt: skip
"""``recipe=projection`` without what needs waveforms, which are not cached, and without text in its input."""
COLUMNS = (
    *("mask precision", "mask recall", "mask F", "likeliest is right"),
    *("active, own", "active, other", "active, noise", "AUROC"),
)
LEVELS = 41


@dataclass(frozen=True)
class Pairs:
    """Frames with their own clip, clips whose classes are not in the frame, and noise.

    Attributes:
        frames: encoded photographs.
        right: for each frame (N,) bool, masks that cover an instance of the sounding class.
        instances: for each frame, number of instances of that class.
        audio: (F, 1 + OTHERS + NOISES, d_a) float32, own, other, noise.
        audio_classes: (F, 1 + OTHERS + NOISES, D) float32 class probabilities.
    """

    frames: tuple[FrameFeatures, ...]
    right: tuple[Tensor, ...]
    instances: tuple[int, ...]
    audio: Tensor
    audio_classes: Tensor

    def part(self, rows: Sequence[int]) -> Pairs:
        """Some of the pairs."""
        return Pairs(
            tuple(self.frames[row] for row in rows),
            tuple(self.right[row] for row in rows),
            tuple(self.instances[row] for row in rows),
            self.audio[list(rows)],
            self.audio_classes[list(rows)],
        )

    def store(self, vision: Vision) -> MemoryStore:
        """The pairs as a training store; nothing in it says what sounds."""
        views = [embeddings_of(frame, vision) for frame in self.frames]
        return MemoryStore(
            local_probabilities=[[view.local_probabilities.half()] for view in views],
            context_probabilities=[[view.context_probabilities.half()] for view in views],
            window_probabilities=list(self.audio_classes[:, :1].half()),
            local=[[torch.from_numpy(frame.local)] for frame in self.frames],
            context=[[torch.from_numpy(frame.context)] for frame in self.frames],
            windows=list(self.audio[:, :1].half()),
            waveforms=[torch.zeros(0, dtype=torch.int16)] * len(self.frames),
            provenance={},
            geometry=[[boxes_of(torch.from_numpy(frame.geometry))] for frame in self.frames],
        )


@dataclass(frozen=True)
class Views(MaskEmbeddings):
    """Embeddings with class probabilities."""

    local_probabilities: Tensor
    context_probabilities: Tensor


def embeddings_of(frame: FrameFeatures, vision: Vision) -> Views:
    """Both views of the masks of a frame, with class probabilities."""
    local, context = (torch.from_numpy(part).float() for part in (frame.local, frame.context))
    return Views(local, context, *(vision.class_probabilities(part).clone() for part in (local, context)))


def boxes_of(geometry: Tensor) -> Tensor:
    """Rows (N, 6) of box, area and score from geometry (N, 8), see :func:`mask_geometry`."""
    centre, size = (geometry[:, 2:4] + 1) / 2, (geometry[:, 4:6] + 1) / 2
    area = (torch.exp(3 * (geometry[:, 1:2] - 1)) - 1e-4).clamp_min(0)
    return torch.cat([centre - size / 2, centre + size / 2, area, (geometry[:, :1] + 1) / 2], 1)


def build_pairs(frames: Sequence[FrameFeatures], clips: Clips, count: int, seed: int) -> Pairs:
    """Up to ``count`` pairs: frames with an annotated instance, and clips of one class without background."""
    generator = torch.Generator().manual_seed(seed)
    audible = audible_sources_of(clips)
    single = torch.tensor([len(names) == 1 and names[0] != NOISE for names in clips.classes])
    noise = torch.tensor([names == (NOISE,) for names in clips.classes]).nonzero()[:, 0]

    def draw(rows: Tensor) -> int:
        return int(rows[torch.randint(len(rows), (), generator=generator)])

    found: list[tuple[FrameFeatures, Tensor, int, Tensor, Tensor]] = []
    for at in torch.randperm(len(frames), generator=generator).tolist():
        frame = frames[at]
        sources = torch.from_numpy(frame.sources)
        wanted = sources[(sources >= 0) & ~torch.from_numpy(frame.crowd)].unique()  # type: ignore[no-untyped-call]
        wanted = wanted[(audible[single][:, wanted]).any(0)] if len(wanted) else wanted
        if len(frame) == 0 or len(wanted) == 0 or not frame.complete:
            continue
        source = draw(wanted)
        own = draw((single & audible[:, source]).nonzero()[:, 0])
        shown = sources[sources >= 0].unique()  # type: ignore[no-untyped-call]
        absent = (single & ~audible[:, shown].any(1)).nonzero()[:, 0]
        rows = [own, *(draw(absent) for _ in range(OTHERS)), *(draw(noise) for _ in range(NOISES))]
        sounds = audible[own][sources.clamp_min(0)] & (sources >= 0)
        right = (torch.from_numpy(frame.iou)[:, sounds] >= COVERS).any(1)
        audio = clips.embeddings[rows].float(), clips.class_probabilities[rows].float()
        found.append((frame, right, int(sounds.sum()), *audio))
        if len(found) == count:
            break
    columns = list(zip(*found, strict=True))
    return Pairs(columns[0], columns[1], columns[2], torch.stack(columns[3]), torch.stack(columns[4]))


@dataclass(frozen=True)
class Decision:
    """Logits of a head for frames under every audio, and its calibrations by name.

    Attributes:
        logits: for each frame (1 + OTHERS + NOISES, N).
    """

    logits: list[Tensor]

    def swap(self) -> list[SwapLogits]:
        """For a calibration without labels."""
        return [SwapLogits(x[0], x[1 : 1 + OTHERS], x[1 + OTHERS :]) for x in self.logits]

    def labelled(self, pairs: Pairs, start: Calibration) -> Calibration:
        """Calibration with labels of masks: Platt scaling, and the threshold with the best F."""
        samples = [
            Sample(rows[at], right.float() if at == 0 else 0 * right.float(), rows[at], 0.0, "visible")
            for rows, right in zip(self.logits, pairs.right, strict=True)
            for at in range(len(rows))
        ]
        slope, offset = curve(samples)
        constants = replace(start, slope=slope, offset=offset, margin=100.0)
        best = constants.probability(torch.cat([rows.amax(1) for rows in self.logits]))
        grid = np.quantile(best.numpy(), np.linspace(0.02, 0.98, LEVELS))
        trials = [replace(constants, threshold=float(level)) for level in grid]
        return max(trials, key=lambda trial: scores(self, pairs, trial)["mask F"])


def logits_of_sum(similarity: list[Tensor], pairs: Pairs) -> Decision:
    """Similarity plus objectness."""
    scores_ = [torch.from_numpy(frame.geometry)[:, 0] / 2 + 0.5 for frame in pairs.frames]
    return Decision([x + OBJECTNESS * each for x, each in zip(similarity, scores_, strict=True)])


def logits_of_head(weights: TrainedHeadWeights, similarity: list[Tensor], pairs: Pairs) -> Decision:
    """The trained head; masks that cover one another are not known here, so none is suppressed."""
    found = []
    for frame, audio, cosine in zip(pairs.frames, pairs.audio, similarity, strict=True):
        count, masks = len(audio), len(frame)

        def repeated(values: object, count: int = count) -> Tensor:
            return torch.as_tensor(values).float()[None].expand(count, -1, -1)

        inputs = classless_inputs(
            local=repeated(frame.local),
            context=repeated(frame.context),
            geometry=repeated(frame.geometry),
            similarity=weights.scale.apply(cosine, repeated(frame.geometry)),
            padding=torch.zeros(count, masks, dtype=torch.bool),
            audio=audio,
        )
        found.append(limited_log_odds(weights.network(inputs)))
    return Decision(found)


def similarities(
    module: AssociationModule, pairs: Pairs, zero_shot: ZeroShot, vision: Vision
) -> list[Tensor]:
    """Similarity of every mask with every audio: for each frame (1 + OTHERS + NOISES, N)."""
    found, share = [], module.config.zero_shot_weight
    for frame, audio, classes in zip(pairs.frames, pairs.audio, pairs.audio_classes, strict=True):
        lam = module.config.local_weight
        mixed = torch.lerp(
            torch.from_numpy(frame.context).float(), torch.from_numpy(frame.local).float(), lam
        )
        padding = torch.zeros(1, len(mixed), dtype=torch.bool)
        masks = functional.normalize(module.embed_masks(mixed[None], padding)[0], dim=-1)
        clips = module.embed_audio(audio[:, None], torch.zeros(len(audio), 1, dtype=torch.bool))
        trained = functional.normalize(clips, dim=-1) @ masks.T
        text = zero_shot.audio_mapping.to_text_space(classes).float()
        shot = text @ zero_shot.to_text_space(embeddings_of(frame, vision)).float().T
        found.append(torch.lerp(trained, shot, share))
    return found


def scores(decision: Decision, pairs: Pairs, calibration: Calibration) -> dict[str, float]:
    """Metrics of a calibration, by :data:`COLUMNS`."""
    hits = chosen = found = best = 0.0
    for rows, right, count in zip(decision.logits, pairs.right, pairs.instances, strict=True):
        for at, logits in enumerate(rows):
            active = sounding(logits, calibration, inactive=False)
            chosen += float(active.sum())
            if at == 0:
                hits += float((active & right).sum())
                found += min(float((active & right).sum()), count)
                best += float(right[logits.argmax()])
    precision, recall = hits / max(chosen, 1), found / max(sum(pairs.instances), 1)
    shares = report_swap(decision.swap(), calibration)
    return dict(
        zip(
            COLUMNS,
            (
                *(precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)),
                best / len(pairs.frames),
                *(shares[f"active under {name}"] for name in ("own", "other", "noise")),
                shares["auroc"],
            ),
            strict=True,
        )
    )


def evaluate_run(
    train: Pairs, dev: Pairs, seed: int, steps: int, share: float
) -> dict[tuple[str, str], dict[str, float]]:
    """Train on pairs, then measure heads and calibrations on dev."""
    config = replace(CONFIG, seed=seed, held_out=HELD_OUT, sounding_steps=steps, zero_shot_weight=share)
    assembly = Assembly(ModelSpec("tiny"))
    encoder, vision, space = (assembly.part(name) for name in ("audio", "vision", "zero_shot"))
    store = train.store(vision)
    part, held_out = split(store, config)
    fabric = Fabric(accelerator="cpu", devices=1)
    with tempfile.TemporaryDirectory() as folder:
        module = fit(Fitting(part, config, Path(folder)), fabric).module.eval()
        head = train_head(
            HeadFitting(part, held_out, config, Path(folder), encoder, module, "", space), fabric
        )
    chosen = train.part(held_out.rows)
    shipped = Calibration.load("zero-shot")
    found: dict[tuple[str, str], dict[str, float]] = {}
    with torch.no_grad():
        cosines = {
            name: similarities(module, pairs, space, vision)
            for name, pairs in (("held", chosen), ("dev", dev))
        }
        sums = [logits_of_sum(cosines[name], pairs) for name, pairs in (("held", chosen), ("dev", dev))]
        heads = [
            logits_of_head(head.weights, cosines[name], pairs)
            for name, pairs in (("held", chosen), ("dev", dev))
        ]
        for title, (held, measured), first, free in (
            (ObjectnessSum.version, sums, {"as shipped": shipped}, fit_swap(sums[0].swap(), shipped)),
            ("trained head", heads, {"as trained": IDENTITY}, head.weights.calibration),
        ):
            labelled = held.labelled(chosen, free)
            for name, constants in {**first, "no labels": free, "labels (bound)": labelled}.items():
                found[title, name] = scores(measured, dev, constants)
    return found


def main() -> None:
    """Measure, print, and write the page if one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--frames", nargs=2, type=Path, required=True, metavar=("TRAIN", "DEV"))
    parser.add_argument("--clips", nargs=2, type=Path, required=True, metavar=("TRAIN", "DEV"))
    parser.add_argument("--counts", nargs="+", type=int, default=[200, 1000])
    parser.add_argument("--dev-count", type=int, default=300)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=TrainingConfig().sounding_steps)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.0, 1.0], help="zero_shot_weight")
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    frames = [read_frames(folder) for folder in given.frames]
    clips = [Clips.load(path) for path in given.clips]
    dev = build_pairs(frames[1], clips[1], given.dev_count, 1)
    lines: list[str] = []
    for count in given.counts:
        for share in given.shares:
            every = []
            for seed in given.seeds:
                train = build_pairs(frames[0], clips[0], count, seed)
                every.append(evaluate_run(train, dev, seed, given.steps, share))
                print(json.dumps({"pairs": len(train.frames), "seed": seed, "share": share}), flush=True)
            rows = [
                [
                    ", ".join(key),
                    *(tables.format_spread([each[key][name] for each in every]) for name in COLUMNS),
                ]
                for key in every[0]
            ]
            lines += [
                f"`zero_shot_weight={share:g}`, `sounding_steps={given.steps}`: {len(train.frames)} pairs to "
                f"train (a fifth held out), {len(dev.frames)} to measure, {len(every)} seeds, percent.",
                *("", *tables.table(("head, calibration", *COLUMNS), rows), ""),
            ]
        print("\n".join(lines), flush=True)
    if given.page is not None:
        tables.replace_section(given.page, SECTION, lines)


if __name__ == "__main__":
    main()
