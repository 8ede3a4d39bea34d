"""When a mask is said to sound: the logistic curve and the threshold of :mod:`seac.associate.gate`, fitted.

:mod:`~seac.calibration.fit` chooses constants from judged frames, :mod:`~seac.calibration.observe` makes such
frames of a benchmark, :mod:`~seac.calibration.file` keeps what was chosen beside an association.
"""
