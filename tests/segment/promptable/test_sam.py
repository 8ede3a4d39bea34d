"""SAM, SAM-HQ, SAM 2.1 and EdgeTAM against the implementations of their libraries, on random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.segment.promptable import base
from seac.segment.promptable.base import masks_at_size
from seac.segment.promptable.sam.checkpoint import load_sam
from seac.segment.promptable.sam.edgetam import EdgeTam
from seac.segment.promptable.sam.sam import Sam, SamSettings
from seac.segment.promptable.sam.sam2 import Sam2
from tests.fixtures.checkpoints import SIDE, edgetam, reference_sam, sam2, sam_hq

BOXES = torch.tensor(
    [[3.0, 4.0, 40.0, 30.0], [20.0, 10.0, 80.0, 45.0], [0.0, 0.0, 90.0, 50.0], [5.5, 7.25, 9.0, 12.0]]
)
FEW_PIXELS = 2e-3
"""Share of pixels whose logit may change its sign by rounding."""


def random_image(height: int = 50, width: int = 90) -> Tensor:
    """Return smooth random colours."""
    generator = torch.Generator().manual_seed(5)
    small = torch.rand(1, 3, 6, 9, generator=generator) * 255
    return torch.nn.functional.interpolate(small, (height, width), mode="bicubic")[0].clamp(0, 255).byte()


def differing_share(masks: Tensor, expected: Tensor) -> float:
    return float((masks != expected).float().mean())


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("segment_anything")
    path = tmp_path_factory.mktemp("sam") / "sam_vit_h_4b8939.pth"
    torch.save(reference_sam().state_dict(), path)
    return path


def reference_masks(model: str, network: Any, image: Tensor) -> Tensor:
    """Return the masks of ``BOXES`` by transformers' processor, box by box, the best of three each."""
    import transformers

    if model == "Sam2":
        name = "Sam2ImageProcessor"
        if not hasattr(transformers, name):
            pytest.skip("the image processor of transformers 4 for SAM 2 resizes otherwise")
        image_processor = getattr(transformers, name)(size={"height": SIDE, "width": SIDE})
        processor = transformers.Sam2Processor(image_processor=image_processor, target_size=SIDE)
    else:
        image_processor = transformers.SamImageProcessor(
            size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE}
        )
        processor = getattr(transformers, f"{model}Processor")(image_processor=image_processor)
    masks = []
    for box in BOXES.tolist():
        inputs = processor(images=image.permute(1, 2, 0).numpy(), input_boxes=[[box]], return_tensors="pt")
        with torch.inference_mode():
            output = network(**inputs)
        shapes = [inputs["original_sizes"].tolist()]
        if model != "Sam2":
            shapes.append(inputs["reshaped_input_sizes"].tolist())
        options = {} if model == "Sam2" else {"pad_size": {"height": SIDE, "width": SIDE}}
        candidates = image_processor.post_process_masks(output.pred_masks, *shapes, **options)
        masks.append(candidates[0][0, int(output.iou_scores[0, 0].argmax())])
    return torch.stack(masks)


@pytest.mark.parametrize("size", [(50, 90), (90, 50), (64, 64), (200, 131)])
def test_sam_equals_the_published_predictor(sam_file: Path, size: tuple[int, int]) -> None:
    from segment_anything import SamPredictor

    image, ours = random_image(*size), Sam.load(sam_file)
    boxes = BOXES.clamp_max(min(size))
    predictor = SamPredictor(reference_sam())
    predictor.set_image(image.permute(1, 2, 0).numpy())
    masks, quality = ours.masks(ours.encode(image), boxes)
    for box, mask, estimate in zip(boxes, masks, quality, strict=True):
        expected, scores, _ = predictor.predict(box=box.numpy(), multimask_output=True)
        assert abs(float(estimate) - scores.max()) < 1e-3
        assert differing_share(mask, torch.from_numpy(expected[scores.argmax()])) < FEW_PIXELS


def test_sam_equals_transformers(sam_file: Path) -> None:
    image, ours = random_image(), Sam.load(sam_file)
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing_share(masks, reference_masks("Sam", load_sam(sam_file).eval(), image)) < FEW_PIXELS


def test_sam_hq_equals_transformers(tmp_path: Path) -> None:
    network = sam_hq()
    network.save_pretrained(tmp_path / "sam-hq-vit-b")
    image, ours = random_image(), Sam.load(tmp_path / "sam-hq-vit-b")
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing_share(masks, reference_masks("SamHQ", network, image)) < FEW_PIXELS


def test_sam2_equals_transformers(tmp_path: Path) -> None:
    from transformers import Sam2Model

    sam2().save_pretrained(tmp_path / "sam2")
    image, ours = random_image(), Sam2.load(tmp_path / "sam2")
    network = Sam2Model.from_pretrained(tmp_path / "sam2").eval()
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing_share(masks, reference_masks("Sam2", network, image)) < FEW_PIXELS


def test_edgetam_equals_transformers(tmp_path: Path) -> None:
    from transformers import EdgeTamModel

    edgetam().save_pretrained(tmp_path / "edgetam")
    image, ours = random_image(), EdgeTam.load(tmp_path / "edgetam")
    network = EdgeTamModel.from_pretrained(tmp_path / "edgetam").eval()
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing_share(masks, reference_masks("Sam2", network, image)) < FEW_PIXELS
    assert 0.01 < float(masks.float().mean()) < 0.99, "empty or full masks would make the test meaningless"


@pytest.mark.parametrize("kind", [Sam2, EdgeTam])
def test_our_decoder_of_sam2_has_the_librarys_logits(kind: type[Sam2]) -> None:
    import transformers

    network = {"Sam2Model": sam2, "EdgeTamModel": edgetam}[kind.network_class]()
    own = getattr(transformers, kind.network_class)(network.config)
    own.load_state_dict(network.state_dict(), strict=False)
    ours = kind(own)
    encoded, boxes = ours.encode(random_image()), BOXES[:, [1, 0, 3, 2]].clamp_max(SIDE)
    assert ours.decoder is not None
    with torch.inference_mode():
        logits, quality = ours.decoder.decode(encoded.features, boxes)
        output = ours.network(image_embeddings=list(encoded.features), input_boxes=boxes[None])
    expected = base.best_masks(output.pred_masks[0], output.iou_scores[0])
    torch.testing.assert_close(logits, expected[0], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(quality, expected[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("model", ["sam", "sam2"])
def test_the_batch_size_of_boxes_does_not_matter(sam_file: Path, tmp_path: Path, model: str) -> None:
    if model == "sam":
        networks = [Sam.load(sam_file, settings=SamSettings(batch=batch)) for batch in (1, 3, 16)]
    else:
        sam2().save_pretrained(tmp_path / "sam2")
        networks = [Sam2.load(tmp_path / "sam2", settings=SamSettings(batch=batch)) for batch in (1, 3, 16)]
    image = random_image()
    masks = [network.masks(network.encode(image), BOXES)[0] for network in networks]
    assert max(differing_share(one, masks[0]) for one in masks) < FEW_PIXELS
    assert 0.01 < float(masks[0].float().mean()) < 0.99, "empty or full masks would make the test meaningless"


def test_no_boxes_give_no_masks(sam_file: Path) -> None:
    ours = Sam.load(sam_file)
    masks, quality = ours.masks(ours.encode(random_image()), torch.zeros(0, 4))
    assert masks.shape == (0, 50, 90)
    assert quality.shape == (0,)


def test_half_precision_changes_only_boundaries(sam_file: Path) -> None:
    image = random_image()
    exact, half = Sam.load(sam_file), Sam.load(sam_file, settings=SamSettings(precision="bfloat16"))
    assert (
        differing_share(exact.masks(exact.encode(image), BOXES)[0], half.masks(half.encode(image), BOXES)[0])
        < 0.05
    )


def test_the_chunk_size_of_masks_does_not_matter() -> None:
    logits = torch.randn(5, 16, 16, generator=torch.Generator().manual_seed(0))
    masks = masks_at_size(logits, (45, 70), 64, (41, 64), chunk=5)
    assert torch.equal(masks_at_size(logits, (45, 70), 64, (41, 64), chunk=2), masks)
    assert masks.dtype == torch.bool


def test_full_size_floats_exist_for_one_chunk_only(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    interpolate = torch.nn.functional.interpolate

    def counting_interpolate(*args: Any, **options: Any) -> Tensor:
        output = interpolate(*args, **options)
        counts.append(len(output))
        return output

    monkeypatch.setattr(base.functional, "interpolate", counting_interpolate)
    masks_at_size(torch.zeros(40, 16, 16), (256, 256), SIDE, (SIDE, SIDE), chunk=2)
    assert set(counts) == {2}


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "sam_vit_h_4b8939.pth")
    with pytest.raises(InputError, match="holds no Segment Anything") as message:
        Sam.load(tmp_path / "sam_vit_h_4b8939.pth")
    assert "\n" not in str(message.value)
    sam_hq().save_pretrained(tmp_path / "hq")
    with pytest.raises(InputError, match="Sam2Model"):
        Sam2.load(tmp_path / "hq")


def test_every_tensor_of_the_published_file_is_required(sam_file: Path) -> None:
    state = torch.load(sam_file)
    del state[sorted(state)[len(state) // 2]]
    torch.save(state, sam_file.with_name("less.pth"))
    with pytest.raises(InputError, match="holds no Segment Anything"):
        Sam.load(sam_file.with_name("less.pth"))
