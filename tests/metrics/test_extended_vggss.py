"""Extended VGG-SS as a class: the curve."""

from __future__ import annotations

import torch

from seac.metrics.extended_vggss import ExtendedVGGSS
from seac.metrics.functional.extended_vggss import extended_curve


def test_the_curve_is_that_of_all_pairs() -> None:
    rng = torch.Generator().manual_seed(0)
    ciou, confidence = torch.rand(2, 40, generator=rng)
    boxes = torch.randint(0, 3, (40,), generator=rng)
    metric = ExtendedVGGSS()
    for part in (slice(0, 7), slice(7, 40)):
        metric.update(ciou[part], boxes[part], confidence[part])
    wanted = extended_curve(ciou, boxes, confidence)
    assert metric.curve().keys() == wanted.keys()
    for name, values in metric.curve().items():
        torch.testing.assert_close(values, wanted[name], rtol=0, atol=0)
