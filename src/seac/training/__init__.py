"""Training of the association module."""
