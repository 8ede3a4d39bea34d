"""Decision: audio activity, and the calibrated probability and threshold of sounding masks.

:mod:`~seac.decision.fit` fits the constants to annotated frames.
:mod:`~seac.evaluation.calibration_samples` makes these frames from a benchmark.
:mod:`~seac.decision.calibration_file` stores the constants in the folder of an association.
"""
