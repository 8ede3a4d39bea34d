"""The recipes loop of the association module, and its schedule."""
