"""Detection from an image to boxes in its pixels."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import RobertaTokenizer

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr import MDefDetr, MDefDetrDetector, detect
from seac.segment.detectors.mdef_detr.boxes import merge
from seac.segment.detectors.mdef_detr.checkpoint import save
from seac.segment.detectors.mdef_detr.sentences import PUBLISHED, TOKENIZER, load_tokenizer, tokens_of

IMAGE = np.random.default_rng(1).integers(0, 256, (50, 80, 3), np.uint8)
SHORT = 64


@pytest.fixture
def tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a tokenizer of a few words."""
    words = ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "Ġ", "Ġa", "ab", "<mask>"]
    folder = tmp_path / "weights" / TOKENIZER
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b\nĠ a\n")
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path / "weights"))
    return folder


def test_one_sentence_has_all_boxes_in_the_images_pixels(tiny: MDefDetr) -> None:
    boxes, scores = detect(tiny, IMAGE, short=SHORT)
    assert boxes.shape == (20, 4)
    assert boxes.dtype == torch.int32
    assert scores.shape == (20,)
    assert (boxes[:, 2:] >= boxes[:, :2]).all()


def test_several_sentences_are_merged(tiny: MDefDetr) -> None:
    sentences = ("all objects", "all entities")
    each = [detect(tiny, IMAGE, (sentence,), short=SHORT) for sentence in sentences]
    together = detect(tiny, IMAGE, sentences, short=SHORT)
    merged = merge(torch.cat([one.boxes for one in each]), torch.cat([one.scores for one in each]))
    assert together.boxes.tolist() == merged.boxes.tolist()
    torch.testing.assert_close(together.scores, merged.scores, atol=1e-5, rtol=0)


def test_tokens_can_replace_their_sentence(tiny: MDefDetr) -> None:
    ids = torch.tensor([PUBLISHED["all entities"]])
    expected = detect(tiny, IMAGE, ("all entities",), short=SHORT)
    assert torch.equal(detect(tiny, IMAGE, input_ids=ids, short=SHORT).boxes, expected.boxes)


def test_the_detector_returns_the_best_boxes_after_nms(tiny: MDefDetr) -> None:
    image = torch.from_numpy(IMAGE).permute(2, 0, 1)
    boxes, scores = MDefDetrDetector(tiny, max_boxes=5, short=SHORT)(image)
    merged = merge(*detect(tiny, image, short=SHORT))
    assert torch.equal(boxes, merged.boxes[:5].float())
    assert torch.equal(scores, merged.scores[:5])
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


def test_the_detector_loads_a_checkpoint(tiny: MDefDetr, tmp_path: Path) -> None:
    save(tiny, tmp_path / "tiny.safetensors")
    image = torch.from_numpy(IMAGE).permute(2, 0, 1)
    loaded = MDefDetrDetector.load(tmp_path / "tiny.safetensors", short=SHORT)
    assert torch.equal(loaded(image)[0], MDefDetrDetector(tiny, short=SHORT)(image)[0])


def test_the_version_distinguishes_weights(tiny: MDefDetr, tmp_path: Path) -> None:
    save(tiny, tmp_path / "tiny.safetensors")
    version = MDefDetrDetector(tiny, short=SHORT).version
    assert MDefDetrDetector.load(tmp_path / "tiny.safetensors", short=SHORT).version == version
    other = copy.deepcopy(tiny)
    with torch.no_grad():
        other.class_embed[0].bias[0] += 1
    assert MDefDetrDetector(other, short=SHORT).version != version


def test_images_of_all_modes_are_accepted(tiny: MDefDetr) -> None:
    for mode in ("L", "RGBA", "P", "1"):
        assert len(detect(tiny, Image.fromarray(IMAGE).convert(mode), short=SHORT).boxes) == 20


def test_other_sentences_need_the_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="all cats") as caught:
        tokens_of(("all objects", "all cats"))
    assert "\n" not in str(caught.value)
    assert TOKENIZER in str(caught.value)


def test_other_sentences_take_the_tokenizer_from_the_cache(tokenizer: Path) -> None:
    ids, mask = tokens_of(("ab a", "a"))
    assert ids.tolist() == [[0, 8, 7, 2], [0, 4, 2, 1]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_a_tokenizer_may_be_passed(tokenizer: Path) -> None:
    ids, _ = tokens_of("ab", RobertaTokenizer.from_pretrained(str(tokenizer)))
    assert ids.tolist() == [[0, 8, 2]]


def test_the_published_tokens_equal_those_of_the_tokenizer() -> None:
    try:
        tokenizer = load_tokenizer("any")
    except InputError as error:
        pytest.skip(str(error))
    for sentence, row in PUBLISHED.items():
        assert tuple(tokenizer(sentence)["input_ids"]) == row


def test_the_published_sentences_are_those_of_the_reference(shared: Path) -> None:
    with np.load(shared / "golden" / "mdef_detr.npz") as golden:
        rows = [tuple(golden[f"tokens_q{index}"].tolist()) for index in range(4)]
    assert rows == list(PUBLISHED.values())


def test_no_sentence_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        tokens_of(())
