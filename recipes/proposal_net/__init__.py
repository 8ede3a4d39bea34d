"""The recipe that made ``proposals.safetensors``: a class-agnostic instance network from composites."""
