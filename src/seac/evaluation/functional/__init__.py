"""Every protocol as a pure function of tensors: no files, any device, figures as floats."""

from seac.evaluation.functional.avsbench import avsbench
from seac.evaluation.functional.avsbench_semantic import avsbench_semantic
from seac.evaluation.functional.extended_vggss import extended_vggss
from seac.evaluation.functional.robustness import robustness
from seac.evaluation.functional.vggss import vggss

__all__ = ["avsbench", "avsbench_semantic", "extended_vggss", "robustness", "vggss"]
