"""Recipe of ``proposal_net.safetensors``: class-agnostic instance segmentation trained on composites."""
