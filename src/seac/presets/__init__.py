"""Tables of parts and presets, and how a model is loaded from them."""
