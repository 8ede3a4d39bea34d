"""Precompute text embeddings of common class names, so that no text encoder is needed at start.

    python -m recipes.common.text_table

The command writes ``src/seac/assets/text_table.safetensors`` (keys int64, vectors float16) with all ImageNet
and AudioSet names and descriptions, and the names of the default vocabulary and of the class heads in all
templates.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from seac.classify.prompts import sentences
from seac.classify.vocabulary import default_vocabulary
from seac.encoders.class_heads import read
from seac.encoders.labels.descriptions import audio_texts, audioset_names, image_texts, imagenet_names
from seac.encoders.text.minilm import DIM, MiniLM, TextTable, key_of

ASSET = Path(__file__).resolve().parents[2] / "src/seac/assets/text_table.safetensors"
CLASS_HEADS = ASSET.with_name("class_heads.safetensors")


def groups() -> list[tuple[str, ...]]:
    """All groups of sentences of the table, without duplicates."""
    names = (
        *imagenet_names(),
        *audioset_names(),
        *image_texts(),
        *audio_texts(),
        *default_vocabulary().names,
    )
    singles = [(name,) for name in names]
    averaged = [sentences(name) for name in (*default_vocabulary().names, *read(CLASS_HEADS).names)]
    return list(dict.fromkeys([*singles, *averaged]))


def main() -> None:
    """Encode the groups and write the table atomically."""
    empty = TextTable(torch.zeros(0, dtype=torch.int64), torch.zeros(0, DIM, dtype=torch.float16))
    chosen = groups()
    vectors = MiniLM(empty).encode_means(chosen).half()
    keys = torch.tensor([key_of(group) for group in chosen])
    if len(set(keys.tolist())) != len(keys):
        raise SystemExit("error: two groups of sentences share a key")
    temporary = ASSET.with_suffix(".tmp")
    save_file({"keys": keys, "vectors": vectors}, temporary, metadata={"encoder": "all-MiniLM-L6-v2"})
    temporary.replace(ASSET)
    print(f"{ASSET.name}: {len(keys)} entries, {ASSET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
