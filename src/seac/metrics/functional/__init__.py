"""Every protocol as a pure function of tensors on any device; metrics are floats."""

from seac.metrics.functional.avsbench import avsbench
from seac.metrics.functional.avsbench_semantic import avsbench_semantic
from seac.metrics.functional.extended_vggss import extended_vggss
from seac.metrics.functional.robust_avsbench import robust_avsbench
from seac.metrics.functional.robustness import robustness
from seac.metrics.functional.swap import swap
from seac.metrics.functional.tracking import tracking
from seac.metrics.functional.vggss import vggss

__all__ = [
    "avsbench",
    "avsbench_semantic",
    "extended_vggss",
    "robust_avsbench",
    "robustness",
    "swap",
    "tracking",
    "vggss",
]
