"""Recipes for the constants of the decision: calibration, thresholds, temperature."""
