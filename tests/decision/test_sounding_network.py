"""The sounding network: order and padding of masks, the null logit, and the geometry of masks."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.decision.sounding_head import shipped
from seac.decision.sounding_network import (
    PADDED_LOGIT,
    SoundingConfig,
    SoundingInputs,
    SoundingNetwork,
    SoundingOutputs,
    mask_geometry,
    project,
    scaled_log,
)
from seac.decision.trained_head import classless_inputs
from tests.fixtures.sounding import random_inputs, tiny_network

PER_MASK = ("local", "context", "image_probabilities", "geometry", "similarity", "padding")
NETWORK = tiny_network()


def outputs_of(logits: torch.Tensor, null: torch.Tensor) -> SoundingOutputs:
    return SoundingOutputs(logits, null, torch.zeros(0), torch.zeros(0))


@given(st.permutations(range(5)), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_logits_follow_the_order_of_masks(order: list[int], seed: int) -> None:
    inputs = random_inputs([5, 3], seed)
    moved = replace(inputs, **{name: getattr(inputs, name)[:, order] for name in PER_MASK})
    first, second = NETWORK(inputs), NETWORK(moved)
    torch.testing.assert_close(second.logits, first.logits[:, order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(second.null, first.null, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(second.masks, first.masks[:, order], atol=1e-5, rtol=1e-5)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_padding_does_not_matter(masks: int, padded: int, seed: int) -> None:
    inputs = random_inputs([masks + padded, masks], seed)
    alone = SoundingInputs(
        **{
            item.name: getattr(inputs, item.name)[1:, :masks]
            if item.name in PER_MASK
            else getattr(inputs, item.name)[1:]
            for item in fields(inputs)
        }
    )
    together, single = NETWORK(inputs), NETWORK(alone)
    torch.testing.assert_close(together.logits[1:, :masks], single.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together.null[1:], single.null, atol=1e-4, rtol=1e-4)
    assert bool((together.logits[1, masks:] == PADDED_LOGIT).all())


def reference_logits(network: SoundingNetwork, inputs: SoundingInputs) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of masks (B, N) and null logit (B,), written out for a network with class heads."""
    image, sound = inputs.image_probabilities[..., :-1], inputs.audio_probabilities
    views = [
        project(part, network.image_mean, network.image_basis) for part in (inputs.local, inputs.context)
    ]
    seen, clip = torch.cat(views, -1), project(inputs.audio, network.audio_mean, network.audio_basis)
    masks = network.mask_tower(torch.cat([seen, scaled_log(inputs.image_probabilities)], -1))
    audio = network.audio_tower(torch.cat([clip, scaled_log(sound)], -1))
    cosine = torch.cosine_similarity(masks, audio[:, None], dim=-1)
    joint = scaled_log((image * sound[:, None]).sum(-1))
    image_groups, audio_groups = (
        image @ network.group_of,
        (sound[..., None] * network.group_of).amax(1),
    )
    evidence = torch.stack(
        [
            joint,
            scaled_log((image_groups * audio_groups[:, None]).sum(-1)),
            scaled_log(torch.minimum(image, sound[:, None]).amax(-1)),
            joint - joint.masked_fill(inputs.padding, -9).amax(1, keepdim=True),
            3 * cosine,
            3 * inputs.similarity,
        ],
        -1,
    )
    known = image.sum(-1, keepdim=True)
    tokens = network.embed_evidence(torch.cat([inputs.geometry, image_groups, known, evidence], -1))
    loudest = sound.amax(-1, keepdim=True)
    cues = scaled_log(torch.cat([audio_groups, loudest, inputs.cues], -1))
    context = network.embed_audio(torch.cat([cues, 0.5 * clip], -1))
    tokens = tokens + 0.3 * network.embed_mask(seen) + 0.5 * context[:, None]
    sequence = torch.cat([(context + network.null_token)[:, None], tokens], 1)
    padding = torch.nn.functional.pad(inputs.padding, (1, 0))
    hidden = network.encoder(sequence, src_key_padding_mask=padding)
    logits = network.mask_logit(hidden[:, 1:]) + network.evidence_logit(evidence)
    return logits[..., 0], network.null_logit(hidden[:, 0])[:, 0]


def test_the_shipped_weights_give_the_logits_of_the_reference() -> None:
    network = shipped().network
    config = network.config
    inputs = random_inputs([5, 3], 0, classes=config.classes)
    generator = torch.Generator().manual_seed(1)
    inputs = replace(
        inputs,
        local=torch.randn(2, 5, config.d_m, generator=generator),
        context=torch.randn(2, 5, config.d_m, generator=generator),
        audio=torch.randn(2, config.d_a, generator=generator),
    )
    outputs, (logits, null) = network(inputs), reference_logits(network, inputs)
    torch.testing.assert_close(outputs.logits[~inputs.padding], logits[~inputs.padding], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(outputs.null, null, atol=1e-4, rtol=1e-4)


def test_without_class_heads_the_class_tensors_have_no_columns() -> None:
    torch.manual_seed(0)
    network = SoundingNetwork(SoundingConfig(3, 3, 0, 0, 3, 3, shared=4, width=8, depth=1, heads=2)).eval()
    whole = random_inputs([4, 2], 0)
    given_ = {item.name: getattr(whole, item.name) for item in fields(whole)}
    for name in ("image_probabilities", "audio_probabilities", "cues"):
        given_.pop(name)
    inputs = classless_inputs(**given_)
    outputs = network(inputs)
    assert outputs.logits.shape == (2, 4)
    order = torch.tensor([1, 0, 3, 2])
    per_mask = [name for name in given_ if name != "audio"]
    moved = network(classless_inputs(**{**given_, **{name: given_[name][:, order] for name in per_mask}}))
    torch.testing.assert_close(moved.logits, outputs.logits[:, order], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moved.null, outputs.null, atol=1e-5, rtol=1e-5)


def test_geometry_of_several_frames_is_that_of_each() -> None:
    generator = torch.Generator().manual_seed(0)
    boxes, area = torch.rand(3, 4, 4, generator=generator), torch.rand(3, 4, generator=generator)
    together = mask_geometry(boxes, area, area, 1, 1)
    for row in range(3):
        assert torch.equal(together[row], mask_geometry(boxes[row], area[row], area[row], 1, 1))


def test_embeddings_of_both_towers_have_unit_length() -> None:
    outputs = NETWORK(random_inputs([4, 2], 1))
    torch.testing.assert_close(outputs.masks.norm(dim=-1), torch.ones(2, 4))
    torch.testing.assert_close(outputs.audio.norm(dim=-1), torch.ones(2))


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=5), st.floats(-6, 6))
def test_log_odds_are_the_logit_of_the_product(logits: list[float], null: float) -> None:
    exact = torch.tensor([logits], dtype=torch.float64)
    product = exact.sigmoid() * torch.tensor(-null, dtype=torch.float64).sigmoid()
    found = outputs_of(exact.float(), torch.tensor([null])).log_odds()
    torch.testing.assert_close(found.double(), torch.logit(product), atol=1e-3, rtol=1e-3)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5))
def test_no_mask_sounds_where_nothing_does(logits: list[float]) -> None:
    found = outputs_of(torch.tensor([logits]), torch.tensor([12.0])).log_odds()
    assert bool((found < -11).all())
    assert bool(found.isfinite().all())


def test_the_logit_of_a_mask_is_unchanged_where_something_sounds() -> None:
    logits = torch.tensor([[-3.0, 0.0, 3.0]])
    torch.testing.assert_close(outputs_of(logits, torch.tensor([-25.0])).log_odds(), logits)


def test_geometry_of_the_whole_frame_and_of_a_quarter() -> None:
    boxes = torch.tensor([[0.0, 0.0, 80.0, 60.0], [20.0, 15.0, 40.0, 30.0]])
    area, scores = torch.tensor([1.0, 1 / 16]), torch.tensor([1.0, 0.5])
    whole, quarter = mask_geometry(boxes, area, scores, 60, 80)
    torch.testing.assert_close(
        whole, torch.tensor([1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -0.5]), atol=1e-4, rtol=0
    )
    size = float(torch.log(torch.tensor(1 / 16 + 1e-4))) / 3 + 1
    torch.testing.assert_close(
        quarter, torch.tensor([0.0, size, -0.25, -0.25, -0.5, -0.5, -1.0, -0.45]), atol=1e-5, rtol=0
    )


def test_a_frame_without_masks_has_no_geometry() -> None:
    assert mask_geometry(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 60, 80).shape == (0, 8)


@pytest.mark.parametrize(("probability", "value"), [(0.0, -1.3026), (1.0, 1.0003)])
def test_scaled_logarithms_are_of_the_order_of_1(probability: float, value: float) -> None:
    assert float(scaled_log(torch.tensor(probability))) == pytest.approx(value, abs=1e-3)
