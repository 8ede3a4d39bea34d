"""When a mask is said to sound: the logistic curve and the threshold of :mod:`seac.decision.activity`, fitted.

:mod:`~seac.decision.fit` chooses constants from judged frames, :mod:`~seac.evaluation.calibration_samples` makes such
frames of a benchmark, :mod:`~seac.decision.calibration_file` keeps what was chosen beside an association.
"""
