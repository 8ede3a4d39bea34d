"""Frozen image, audio and text encoders (one protocol each), and class heads."""
