"""Evaluation: protocols, methods, baselines, error attribution and reports."""
