"""Extraction: computes the frozen features of training pairs once and writes them to a feature store."""
