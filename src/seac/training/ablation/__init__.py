"""Grids of trainings: what is varied, and the report."""
