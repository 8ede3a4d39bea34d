"""SAM, SAM-HQ and SAM 2.1 against the libraries' own paths on random weights."""

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
from seac.segment.promptable.sam.sam import Sam, SamSettings
from seac.segment.promptable.sam.sam2 import Sam2
from tests.fixtures.checkpoints import SIDE, reference_sam, sam2, sam_hq

BOXES = torch.tensor(
    [[3.0, 4.0, 40.0, 30.0], [20.0, 10.0, 80.0, 45.0], [0.0, 0.0, 90.0, 50.0], [5.5, 7.25, 9.0, 12.0]]
)
FEW_PIXELS = 2e-3
"""Share of pixels that may fall on the other side of zero by rounding."""


def picture(height: int = 50, width: int = 90) -> Tensor:
    """Smooth random colours."""
    generator = torch.Generator().manual_seed(5)
    small = torch.rand(1, 3, 6, 9, generator=generator) * 255
    return torch.nn.functional.interpolate(small, (height, width), mode="bicubic")[0].clamp(0, 255).byte()


def differing(ours: Tensor, theirs: Tensor) -> float:
    return float((ours != theirs).float().mean())


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("segment_anything")
    path = tmp_path_factory.mktemp("sam") / "sam_vit_h_4b8939.pth"
    torch.save(reference_sam().state_dict(), path)
    return path


def processed(kind: str, network: Any, image: Tensor) -> Tensor:
    """What transformers' processor makes of ``BOXES``, box by box, the best of three masks."""
    import transformers

    if kind == "Sam2":
        reader = transformers.Sam2ImageProcessor(size={"height": SIDE, "width": SIDE})
        processor = transformers.Sam2Processor(image_processor=reader, target_size=SIDE)
    else:
        reader = transformers.SamImageProcessor(
            size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE}
        )
        processor = getattr(transformers, f"{kind}Processor")(image_processor=reader)
    masks = []
    for box in BOXES.tolist():
        inputs = processor(images=image.permute(1, 2, 0).numpy(), input_boxes=[[box]], return_tensors="pt")
        with torch.inference_mode():
            answer = network(**inputs)
        shapes = [inputs["original_sizes"].tolist()]
        if kind != "Sam2":
            shapes.append(inputs["reshaped_input_sizes"].tolist())
        whole = (
            reader.post_process_masks(answer.pred_masks, *shapes)
            if kind == "Sam2"
            else (
                reader.post_process_masks(
                    answer.pred_masks, *shapes, pad_size={"height": SIDE, "width": SIDE}
                )
            )
        )
        masks.append(whole[0][0, int(answer.iou_scores[0, 0].argmax())])
    return torch.stack(masks)


@pytest.mark.parametrize("size", [(50, 90), (90, 50), (64, 64), (200, 131)])
def test_sam_equals_the_published_predictor(sam_file: Path, size: tuple[int, int]) -> None:
    from segment_anything import SamPredictor

    image, ours = picture(*size), Sam.load(sam_file)
    boxes = BOXES.clamp_max(min(size))
    predictor = SamPredictor(reference_sam())
    predictor.set_image(image.permute(1, 2, 0).numpy())
    masks, quality = ours.masks(ours.encode(image), boxes)
    for box, mask, estimate in zip(boxes, masks, quality, strict=True):
        theirs, scores, _ = predictor.predict(box=box.numpy(), multimask_output=True)
        assert abs(float(estimate) - scores.max()) < 1e-3
        assert differing(mask, torch.from_numpy(theirs[scores.argmax()])) < FEW_PIXELS


def test_sam_equals_transformers_own_path(sam_file: Path) -> None:
    image, ours = picture(), Sam.load(sam_file)
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing(masks, processed("Sam", load_sam(sam_file).eval(), image)) < FEW_PIXELS


def test_sam_hq_equals_transformers_own_path(tmp_path: Path) -> None:
    network = sam_hq()
    network.save_pretrained(tmp_path / "sam-hq-vit-b")
    image, ours = picture(), Sam.load(tmp_path / "sam-hq-vit-b")
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing(masks, processed("SamHQ", network, image)) < FEW_PIXELS


def test_sam2_equals_transformers_own_path(tmp_path: Path) -> None:
    from transformers import Sam2Model

    sam2().save_pretrained(tmp_path / "sam2")
    image, ours = picture(), Sam2.load(tmp_path / "sam2")
    network = Sam2Model.from_pretrained(tmp_path / "sam2").eval()
    masks, _ = ours.masks(ours.encode(image), BOXES)
    assert differing(masks, processed("Sam2", network, image)) < FEW_PIXELS


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_batches_of_boxes_change_nothing(sam_file: Path, tmp_path: Path, kind: str) -> None:
    if kind == "sam":
        networks = [Sam.load(sam_file, settings=SamSettings(batch=batch)) for batch in (1, 3, 16)]
    else:
        sam2().save_pretrained(tmp_path / "sam2")
        networks = [Sam2.load(tmp_path / "sam2", settings=SamSettings(batch=batch)) for batch in (1, 3, 16)]
    image = picture()
    answers = [network.masks(network.encode(image), BOXES)[0] for network in networks]
    assert max(differing(answer, answers[0]) for answer in answers) < FEW_PIXELS
    assert 0.01 < float(answers[0].float().mean()) < 0.99, "masks that are all or nothing would test nothing"


def test_no_boxes_give_no_masks(sam_file: Path) -> None:
    ours = Sam.load(sam_file)
    masks, quality = ours.masks(ours.encode(picture()), torch.zeros(0, 4))
    assert masks.shape == (0, 50, 90)
    assert quality.shape == (0,)


def test_half_precision_moves_borders_only(sam_file: Path) -> None:
    image = picture()
    exact, half = Sam.load(sam_file), Sam.load(sam_file, settings=SamSettings(precision="bfloat16"))
    assert (
        differing(exact.masks(exact.encode(image), BOXES)[0], half.masks(half.encode(image), BOXES)[0]) < 0.05
    )


def test_chunks_of_masks_change_nothing() -> None:
    logits = torch.randn(5, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = masks_at_size(logits, (45, 70), 64, (41, 64), chunk=5)
    assert torch.equal(masks_at_size(logits, (45, 70), 64, (41, 64), chunk=2), whole)
    assert whole.dtype == torch.bool


def test_full_size_floats_exist_for_a_few_masks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    plain = torch.nn.functional.interpolate

    def watched(*given: Any, **how: Any) -> Tensor:
        answer = plain(*given, **how)
        made.append(len(answer))
        return answer

    monkeypatch.setattr(base.functional, "interpolate", watched)
    masks_at_size(torch.zeros(40, 16, 16), (256, 256), SIDE, (SIDE, SIDE), chunk=2)
    assert set(made) == {2}


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "sam_vit_h_4b8939.pth")
    with pytest.raises(InputError, match="holds no Segment Anything") as message:
        Sam.load(tmp_path / "sam_vit_h_4b8939.pth")
    assert "\n" not in str(message.value)
    sam_hq().save_pretrained(tmp_path / "hq")
    with pytest.raises(InputError, match="Sam2Model"):
        Sam2.load(tmp_path / "hq")


def test_every_tensor_of_the_published_file_is_used(sam_file: Path) -> None:
    state = torch.load(sam_file)
    removed = sorted(state)[len(state) // 2]
    del state[removed]
    torch.save(state, sam_file.with_name("less.pth"))
    with pytest.raises(InputError, match="holds no Segment Anything"):
        Sam.load(sam_file.with_name("less.pth"))
