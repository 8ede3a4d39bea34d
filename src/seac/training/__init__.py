"""The training loop of the association module, and its schedule."""
