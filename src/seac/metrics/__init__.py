"""Metrics of every protocol: pure functions in ``functional``, and torchmetrics classes over the same sums.

One file per benchmark family. A class takes frames in any portions; ``compute`` equals the function on all
frames at once, and raises :class:`~seac.core.errors.InputError` if there were none. States declare how ranks
reduce them, so a distributed ``compute`` needs nothing more. Sums are float64: on a device without it leave
the metric on the CPU; ``update`` takes tensors of any device. This file imports nothing, because torchmetrics
takes seconds to import.
"""
