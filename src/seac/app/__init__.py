"""The page of ``seac app``: static files and a few routes around :mod:`seac.serve`."""
