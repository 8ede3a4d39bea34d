"""Fuzzing of every reader of seac: ``python -m benchmarks.fuzz``, see :mod:`benchmarks.fuzz.__main__`."""
