"""Train the class heads and the sounding head of the preset tiny.

    python -m recipes.sounding --data DATA/real --media DATA/media --teacher mn04_as_mAP_432.pt --work W

``--data`` holds ``photos/{train,dev}`` and ``recordings/{train,dev}``, ``--media`` holds ``{train,dev}``
with cut-outs, backgrounds and sounds. Frames and clips are encoded once into ``--work``; a repeated command
resumes there. ``--extract i/n`` only encodes frames, every n-th shard from the i-th, so that n processes
share the work. Scores on the dev side are printed and written to the model cards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch

import seac
from recipes.sounding.evaluate import summarise_heads, summarise_pairs
from recipes.sounding.extract import extract
from recipes.sounding.frames import FrameFeatures, read_frames
from recipes.sounding.model_card import Training, write_cards
from recipes.sounding.pasted import Pasted
from recipes.sounding.photographs import Composites, Photographs
from recipes.sounding.recordings import ClipCounts, Clips, Renderer, encode_clips
from recipes.sounding.scenes import SceneSampler, audible_sources_of
from recipes.sounding.store import HALVES, Store
from recipes.sounding.train import HeadTraining, build_network, train_sounding_head
from recipes.sounding.voices import male_logits
from seac.core.types import version_of
from seac.decision.sounding_head import SoundingHeadWeights
from seac.decision.sounding_head import write as write_sounding_head
from seac.encoders.class_heads import ClassHeadsWeights
from seac.encoders.class_heads import write as write_class_heads
from seac.encoders.labels.sound_sources import source_names
from seac.pipeline import SeAC

ASSETS = Path(__file__).resolve().parents[2] / "src" / "seac" / "assets"
SIDES = ("train", "dev")
FRAMES = ("photographs", "composites", "pasted")
DEV_CLIPS = ClipCounts(variations=3, mixtures=600, backgrounds=300, noises=60)
DEV_PAIRS = 1000


def frame_folders(work: Path, side: str, model: SeAC) -> dict[str, Path]:
    """Folders of the encoded frames of a side, by kind; they depend on the versions of the parts."""
    parts = (version_of(model.stages.segmenter), version_of(model.stages.vision), model.settings)
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:8]
    return {kind: work / f"{kind}-{side}-{digest}" for kind in FRAMES}


def encode_frames(options: argparse.Namespace, model: SeAC, part: tuple[int, int]) -> None:
    """Encode the photographs and composites of both sides."""
    for number, side in enumerate(SIDES):
        share = 1 if side == "train" else 0.25
        folders = frame_folders(options.work, side, model)
        photographs = Photographs.of(options.data / "photos" / side, options.photographs, options.seed)
        extract(model, photographs, folders["photographs"], part)
        composites = Composites.of(
            options.media / side, int(share * options.composites), options.seed + number
        )
        extract(model, composites, folders["composites"], part)
        pasted = Pasted.of(options.data / "photos" / side, int(share * options.pasted), options.seed + number)
        extract(model, pasted, folders["pasted"], part)


def load_clips(options: argparse.Namespace, side: str, model: SeAC) -> Clips:
    """Encode the clips of a side, or read them."""
    version = hashlib.sha256(version_of(model.stages.audio).encode()).hexdigest()[:8]
    path: Path = options.work / f"clips-{side}-{version}.pt"
    if not path.is_file():
        folders = [options.data / "recordings" / side, options.media / side / "sounds"]
        renderer = Renderer(folders, model.stages.audio.sample_rate, options.seed)
        counts = ClipCounts() if side == "train" else DEV_CLIPS
        encode_clips(renderer, counts, model.stages.audio).save(path)
    return Clips.load(path)


def load_store(
    options: argparse.Namespace, side: str, model: SeAC, chosen: tuple[str, ...] = FRAMES
) -> Store:
    """The store of a side, of some of :data:`FRAMES`."""
    frames: list[FrameFeatures] = []
    folders = frame_folders(options.work, side, model)
    for kind in chosen:
        frames += read_frames(folders[kind])
    stages = model.stages
    return Store(frames, load_clips(options, side, model), stages.vision, stages.association)  # type: ignore[arg-type]  # of the preset tiny


def train(options: argparse.Namespace, model: SeAC) -> None:
    """Train and write class heads and sounding head, and their cards."""
    stores = {side: load_store(options, side, model) for side in SIDES}
    store, dev = stores["train"], stores["dev"]
    masks, clips = store.mask_halves(), store.clip_halves()
    image = [store.train_image_head(masks != half, options.seed + half) for half in HALVES]
    audio_network = model.stages.audio.network  # type: ignore[attr-defined]  # of the preset tiny
    male = male_logits(store.clips.embeddings, audio_network, options.teacher)
    audio = [store.train_audio_head(clips != half, male, options.seed + half) for half in HALVES]
    heads = {
        "image": store.train_image_head(torch.ones_like(masks, dtype=torch.bool), options.seed),
        "audio": store.train_audio_head(torch.ones_like(clips, dtype=torch.bool), male, options.seed),
    }
    frames, encoded = dev.encoded([heads["image"]], [heads["audio"]])
    scores = summarise_heads(
        dev, torch.cat(list(frames.probabilities)), encoded.probabilities, audible_sources_of(dev.clips)
    )
    print(json.dumps(scores), flush=True)
    network = build_network(store, len(source_names()))
    sampler = SceneSampler(*store.encoded(image, audio), options.seed)
    settings = HeadTraining(steps=options.steps, seed=options.seed)
    torch.manual_seed(options.seed)
    network = train_sounding_head(network, sampler, settings)
    pairs = summarise_pairs(network, SceneSampler(frames, encoded, 1), DEV_PAIRS)
    print(json.dumps(pairs), flush=True)
    provenance = {"image": version_of(model.stages.vision), "audio": version_of(model.stages.audio)}
    weights = ClassHeadsWeights(heads, source_names(), provenance)
    digest = write_class_heads(weights, options.out / "class_heads.safetensors")
    parts = {
        "vision": provenance["image"],
        "audio": provenance["audio"],
        "association_method": version_of(model.stages.association),
        "class_heads": ClassHeadsWeights(heads, source_names(), provenance, digest).version,
    }
    write_sounding_head(SoundingHeadWeights(network, parts), options.out / "sounding_head.safetensors")
    counts = {
        side: {"frames": len(each.frames), "clips": len(each.clips.classes)} for side, each in stores.items()
    }
    write_cards(Training(settings, counts, scores, pairs, parts), options.out)


def main() -> None:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos/ and recordings/")
    parser.add_argument("--media", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument(
        "--teacher",
        type=Path,
        required=True,
        help="mn04_as_mAP_432.pt, for male and female voices",
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of encoded frames and clips")
    parser.add_argument(
        "--photographs", type=int, default=5000, help="maximum number of photographs of a side"
    )
    parser.add_argument("--composites", type=int, default=1200, help="number of composites to train on")
    parser.add_argument("--pasted", type=int, default=900, help="number of frames with pasted things")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--extract", help="i/n: only encode every n-th shard of the frames, from the i-th")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder of the weights and cards")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model = seac.load("tiny", sounding_head="objectness", classifier="zero-shot")
    if options.extract:
        first, count = map(int, options.extract.split("/"))
        encode_frames(options, model, (first, count))
        return
    encode_frames(options, model, (0, 1))
    train(options, model)


if __name__ == "__main__":
    main()
