"""The recipe that made ``proposal_net.safetensors``: a class-agnostic instance network from composites."""
