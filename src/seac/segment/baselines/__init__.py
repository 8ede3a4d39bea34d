"""Segmenters without a trained proposal network, to compare with."""
