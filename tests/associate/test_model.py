from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from seac.associate.losses import micl, similarity_matrix
from seac.associate.mask_encoder import MaskEncoder
from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.pooling import AttentionPooling

CONFIG = AssociationConfig(d_m=12, d_a=16, d=8, width=16, depth=2, heads=4)


def module(**changes: object) -> AssociationModule:
    torch.manual_seed(0)
    return AssociationModule(replace(CONFIG, **changes)).eval()  # type: ignore[arg-type]


def masks(count: int, length: int) -> Tensor:
    return torch.randn(count, length, 12, generator=torch.Generator().manual_seed(1))


def no_padding(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.bool)


@pytest.mark.parametrize("norm_first", [False, True])
def test_order_of_masks_does_not_matter(norm_first: bool) -> None:
    network, inputs = module(norm_first=norm_first), masks(2, 7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(2))
    projected = network.embed_masks(inputs, no_padding(2, 7))
    torch.testing.assert_close(network.embed_masks(inputs[:, order], no_padding(2, 7)), projected[:, order])


def test_masks_attend_to_masks_of_their_frame_only() -> None:
    network, inputs = module(), masks(2, 4)
    changed = inputs.clone()
    changed[0, 0] += 1
    with torch.no_grad():
        before, after = (network.embed_masks(each, no_padding(2, 4)) for each in (inputs, changed))
    assert float((before[0, 1] - after[0, 1]).abs().max()) > 1e-4
    torch.testing.assert_close(before[1], after[1])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(norm_first: bool, training: bool) -> None:
    network = module(norm_first=norm_first, dropout=0.0).train(training)
    inputs = masks(1, 3)
    padded = torch.cat([inputs, torch.full((1, 4, 12), 1e4)], 1)
    padding = torch.arange(7)[None] >= 3
    alone, beside = network.embed_masks(inputs, no_padding(1, 3)), network.embed_masks(padded, padding)
    torch.testing.assert_close(beside[:, :3], alone, rtol=1e-5, atol=1e-6)
    windows = torch.randn(1, 2, 16)
    longer = torch.cat([windows, torch.full((1, 5, 16), torch.nan)], 1)
    torch.testing.assert_close(
        network.embed_audio(longer, torch.arange(7)[None] >= 2),
        network.embed_audio(windows, no_padding(1, 2)),
    )


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_a_row_of_padding_alone_gives_no_nan_neither_forward_nor_backward(
    norm_first: bool, training: bool
) -> None:
    network = module(norm_first=norm_first).train(training)
    padding = torch.tensor([[False, True, True], [True, True, True]])
    projected, audio, _ = network(masks(2, 3), padding, torch.randn(2, 3, 16), padding)
    assert bool(projected.isfinite().all() & audio.isfinite().all())
    (projected[0, 0].sum() + audio[0].sum()).backward()
    gradients = [value.grad for value in network.parameters() if value.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_without_layers_masks_are_encoded_independently() -> None:
    network, inputs = module(depth=0), masks(1, 5)
    torch.testing.assert_close(
        network.embed_masks(inputs, no_padding(1, 5))[:, 2:3],
        network.embed_masks(inputs[:, 2:3], no_padding(1, 1)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_grid_location_has_no_local_view() -> None:
    assert AssociationConfig(4, 4, variant="grid").local_weight == 0.0
    assert AssociationConfig(4, 4).local_weight == 0.6


def test_contextualise_recovers_the_locations_of_the_feature_map() -> None:
    from seac.associate.embed import masked_pool
    from seac.associate.model import contextualise
    from seac.segment.baselines.grid import Grid

    features = torch.rand(1, 6, 9, 9, generator=torch.Generator().manual_seed(0))
    proposals = Grid()(torch.zeros(3, 90, 180, dtype=torch.uint8))
    views = masked_pool(features, proposals.masks)[None]
    locations = features[0].flatten(1).T[None]
    torch.testing.assert_close(contextualise(views, no_padding(1, 81)), locations, rtol=1e-4, atol=1e-4)
    padded = torch.cat([views, torch.full((1, 3, 6), 7.0)], 1)
    torch.testing.assert_close(
        contextualise(padded, torch.arange(84)[None] >= 81)[:, :81], locations, rtol=1e-4, atol=1e-4
    )


def test_grid_locations_cover_the_frame_once() -> None:
    from seac.segment.baselines.grid import Grid

    for height, width in ((90, 180), (50, 31), (5, 400)):
        proposals = Grid()(torch.zeros(3, height, width, dtype=torch.uint8))
        assert torch.equal(proposals.masks.sum(0), torch.ones(height, width, dtype=torch.int64))
        areas = (proposals.boxes[:, 2:] - proposals.boxes[:, :2]).prod(1)
        assert torch.equal(areas, proposals.masks.sum((1, 2)).float())


def test_pooling_weights_windows_and_ignores_their_order() -> None:
    torch.manual_seed(0)
    pool, windows = AttentionPooling(16), torch.randn(2, 6, 16)
    with torch.no_grad():
        pool.query.mul_(500)
    pooled = pool(windows, no_padding(2, 6))
    torch.testing.assert_close(pool(windows.flip(1), no_padding(2, 6)), pooled)
    mean = pool(windows.mean(1, keepdim=True), no_padding(2, 1))
    assert float((pooled - mean).detach().abs().max()) > 1e-3


def test_heads_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="4 heads do not divide d_a = 10"):
        AttentionPooling(10)


def test_width_is_that_of_the_masks_unless_given() -> None:
    assert AssociationModule(AssociationConfig(d_m=16, d_a=8, depth=1)).mask_projection.in_features == 16
    assert MaskEncoder(12, 20, 0, 1, 0.0, norm_first=True).linear.out_features == 20


def test_temperature_starts_at_seven_hundredths_and_stays_between_its_bounds() -> None:
    network = module()
    assert float(network.temperature.detach()) == pytest.approx(0.07)
    for far, bound in ((-20.0, 0.01), (20.0, 1.0)):
        with torch.no_grad():
            network.log_temperature.fill_(far)
        assert float(network.temperature.detach()) == pytest.approx(bound)


def test_a_temperature_at_its_bound_has_a_gradient() -> None:
    network = module()
    with torch.no_grad():
        network.log_temperature.fill_(-20.0)
    network.clamp()
    network.temperature.backward()
    assert float(network.log_temperature.detach()) == pytest.approx(math.log(0.01), abs=1e-4)
    assert network.log_temperature.grad is not None
    assert float(network.log_temperature.grad) > 0


def test_normalised_features_do_not_depend_on_their_length() -> None:
    network, inputs = module(normalised=True), masks(1, 4)
    torch.testing.assert_close(
        network.embed_masks(inputs * 7, no_padding(1, 4)), network.embed_masks(inputs, no_padding(1, 4))
    )


def test_every_parameter_has_a_gradient() -> None:
    network = module().train()
    projected, audio, temperature = network(
        masks(6, 3), no_padding(6, 3), torch.randn(6, 4, 16), no_padding(6, 4)
    )
    micl(similarity_matrix(projected, no_padding(6, 3), audio), temperature).backward()
    still = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert still == []


def test_training_finds_pairs_after_a_few_steps() -> None:
    # Frame i contains object i and two distractors; audio i belongs to object i, in another space.
    torch.manual_seed(0)
    objects, sources = torch.randn(8, 12), torch.randn(8, 16)
    noise = torch.randn(8, 3, 12)
    noise[:, 1] = objects
    network = module(dropout=0.0).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(40):
        projected, audio, temperature = network(
            noise, no_padding(8, 3), sources[:, None].repeat(1, 2, 1), no_padding(8, 2)
        )
        similarity = similarity_matrix(projected, no_padding(8, 3), audio)
        loss = micl(similarity, temperature)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert torch.equal(similarity.argmax(1), torch.arange(8))
