"""Detectors against the post-processing of their libraries, and masks from boxes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from seac.segment.detectors.grounding_dino import GroundingDino
from seac.segment.detectors.joined import JoinedDetectors, ProposalBoxes
from seac.segment.detectors.owlv2 import Owlv2
from seac.segment.detectors.rf_detr import RfDetr
from seac.segment.ops import box_iou
from seac.segment.promptable.base import EncodedImage
from seac.segment.promptable.prompted import BoxesToMasks, BoxSettings, select_boxes
from tests.fixtures import checkpoints
from tests.fixtures.extras import needs


def random_image(height: int = 70, width: int = 110) -> Tensor:
    return torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(2)).byte()


@needs("paper")
def test_owlv2_equals_the_librarys_boxes(tmp_path: Path) -> None:
    from transformers import Owlv2ForObjectDetection, Owlv2ImageProcessor

    checkpoints._owlv2(tmp_path)
    network = Owlv2ForObjectDetection.from_pretrained(tmp_path).eval()
    image_processor = Owlv2ImageProcessor.from_pretrained(tmp_path)
    pixels = image_processor(images=random_image(), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        output = network(input_ids=torch.ones(1, 16, dtype=torch.long), pixel_values=pixels)
    sizes = [(70, 110)]
    expected = image_processor.post_process_object_detection(output, threshold=0.0, target_sizes=sizes)[0]
    boxes, scores = Owlv2.load(tmp_path)(random_image())
    assert torch.allclose(boxes, expected["boxes"], atol=1e-3)
    assert torch.allclose(scores, output.objectness_logits[0].sigmoid(), atol=1e-5)


@needs("paper")
def test_grounding_dino_equals_the_librarys_boxes(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GroundingDinoImageProcessor, GroundingDinoProcessor
    from transformers import MMGroundingDinoForObjectDetection as Network

    checkpoints._grounding_dino(tmp_path)
    network = Network.from_pretrained(tmp_path).eval()
    processor = GroundingDinoProcessor(
        GroundingDinoImageProcessor.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    )
    inputs = processor(images=random_image(), text="all objects.", return_tensors="pt")
    with torch.inference_mode():
        output = network(**inputs)
    expected = processor.post_process_grounded_object_detection(
        output, inputs["input_ids"], threshold=0.0, text_threshold=0.0, target_sizes=[(70, 110)]
    )[0]
    boxes, scores = GroundingDino.load(tmp_path)(random_image())
    assert torch.allclose(boxes, expected["boxes"], atol=1e-3)
    assert torch.allclose(scores, expected["scores"], atol=1e-5)


@needs("paper")
def test_rf_detr_equals_the_librarys_boxes(tmp_path: Path) -> None:
    from transformers import RfDetrForInstanceSegmentation, RfDetrImageProcessor

    checkpoints._rf_detr(tmp_path)
    network = RfDetrForInstanceSegmentation.from_pretrained(tmp_path).eval()
    image_processor = RfDetrImageProcessor.from_pretrained(tmp_path)
    inputs = image_processor(images=random_image(), return_tensors="pt")
    with torch.inference_mode():
        output = network(**inputs)
    # All pairs of a box and a class: the best class of a box comes first.
    expected = image_processor.post_process_object_detection(
        output, threshold=0.0, target_sizes=[(70, 110)], top_k=output.logits[0].numel()
    )[0]
    boxes, scores = RfDetr.load(tmp_path)(random_image())
    for box, score in zip(boxes, scores, strict=True):
        same = (expected["boxes"] - box).abs().amax(1) < 1e-3
        assert float(expected["scores"][same].max()) == pytest.approx(float(score), abs=1e-5)
    assert float(boxes.std()) > 1


def test_joined_detectors_return_the_boxes_of_all() -> None:
    first = FixedDetector(torch.tensor([[0.0, 0, 20, 20]]), torch.tensor([0.3]))
    joined = JoinedDetectors([first, ProposalBoxes()])
    boxes, scores = joined(random_image())
    own, own_scores = ProposalBoxes()(random_image())
    assert torch.equal(boxes, torch.cat([first.boxes, own]))
    assert torch.equal(scores, torch.cat([first.scores, own_scores]))
    assert joined.version.startswith("fixed 1, boxes of proposal-net")


class BoxFillingSegmenter:
    """A promptable segmenter that fills each box; the box at index ``blank`` gets an empty mask."""

    version = "filling 1"

    def __init__(self, blank: int = -1) -> None:
        self.blank, self.encode_count = blank, 0

    def encode(self, image: Tensor) -> EncodedImage:
        self.encode_count += 1
        size = (int(image.shape[-2]), int(image.shape[-1]))
        return EncodedImage((), size, size)

    def masks(self, encoded: EncodedImage, boxes: Tensor) -> tuple[Tensor, Tensor]:
        masks = torch.zeros(len(boxes), *encoded.size, dtype=torch.bool)
        for index, (mask, box) in enumerate(zip(masks, boxes.long().tolist(), strict=True)):
            if index != self.blank:
                mask[box[1] : box[3], box[0] : box[2]] = True
        return masks, torch.ones(len(boxes))


class FixedDetector:
    """A detector that always returns the same boxes."""

    version = "fixed 1"

    def __init__(self, boxes: Tensor, scores: Tensor) -> None:
        self.boxes, self.scores = boxes, scores

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.boxes, self.scores


def random_boxes(count: int = 300) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    corners = torch.rand(count, 2, 2, generator=generator) * torch.tensor([130.0, 90.0]) - 10
    return torch.cat([corners.amin(1), corners.amax(1)], 1), torch.rand(count, generator=generator)


def test_boxes_are_ordered_clipped_and_limited_in_overlap() -> None:
    boxes, scores = select_boxes(*random_boxes(), (70, 110), BoxSettings())
    assert len(boxes) <= 50
    assert torch.equal(scores, scores.sort(descending=True).values)
    assert float(boxes.min()) >= 0
    assert bool((boxes <= torch.tensor([110.0, 70.0, 110.0, 70.0])).all())
    overlap = box_iou(boxes, boxes) - torch.eye(len(boxes))
    assert float(overlap.max()) <= 0.5 + 1e-6


def test_the_order_of_boxes_does_not_matter() -> None:
    boxes, scores = random_boxes()
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    first, second = (
        select_boxes(b, s, (70, 110), BoxSettings())
        for b, s in ((boxes, scores), (boxes[order], scores[order]))
    )
    assert torch.equal(first[0], second[0])


def test_every_box_becomes_one_mask_and_the_image_is_encoded_once() -> None:
    promptable = BoxFillingSegmenter(blank=1)
    boxes = torch.tensor([[0.0, 0, 20, 20], [30, 30, 60, 60], [5, 40, 25, 70], [8, 8, 8, 30]])
    segmenter = BoxesToMasks(FixedDetector(boxes, torch.tensor([0.3, 0.9, 0.8, 1.0])), promptable)
    proposals = segmenter(random_image())
    assert promptable.encode_count == 1
    assert proposals.scores.tolist() == pytest.approx([0.9, 0.3]), (
        "the second mask was empty, the last box too"
    )
    assert proposals.boxes.tolist() == [[30, 30, 60, 60], [0, 0, 20, 20]]
    assert segmenter.version == "fixed 1 + filling 1"


@pytest.mark.parametrize("blank", [-1, 1])
def test_fewer_masks_are_the_best_of_all(blank: int) -> None:
    segmenter = BoxesToMasks(FixedDetector(*random_boxes()), BoxFillingSegmenter(blank))
    proposals, few = segmenter(random_image()), segmenter.best(random_image(), 3)
    assert len(few) == 3
    if blank < 0:
        assert torch.equal(few.masks, proposals.masks[:3])
        assert torch.equal(few.scores, proposals.scores[:3])


def test_a_frame_without_boxes_is_one_mask() -> None:
    for boxes, scores in ((torch.zeros(0, 4), torch.zeros(0)), (torch.zeros(2, 4), torch.ones(2))):
        proposals = BoxesToMasks(FixedDetector(boxes, scores), BoxFillingSegmenter())(random_image())
        assert len(proposals) == 1
        assert bool(proposals.masks.all())
    detector = FixedDetector(torch.tensor([[0.0, 0, 9, 9]]), torch.ones(1))
    proposals = BoxesToMasks(detector, BoxFillingSegmenter(blank=0))(random_image())
    assert bool(proposals.masks.all())
