"""Frozen image, audio and text encoders behind three protocols, and class heads."""
