"""Training pairs: where they come from, and how one is opened."""
