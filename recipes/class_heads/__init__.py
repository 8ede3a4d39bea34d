"""Recipe of ``class_heads.safetensors``: supervised classification heads on frozen embeddings."""
