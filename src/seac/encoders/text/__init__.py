"""Frozen text encoders and the label bridge into their space."""
