"""Datasets to train on, and the store of frozen features."""
