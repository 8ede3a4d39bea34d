"""Recipe of ``association.safetensors`` of the preset tiny: composites, frozen features, MICL."""
