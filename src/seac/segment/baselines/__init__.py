"""Baseline segmenters without a trained proposal network."""
