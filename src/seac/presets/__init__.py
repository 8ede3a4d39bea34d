"""Tables of parts and presets, and the loading of models."""
