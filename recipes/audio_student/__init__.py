"""The recipe of ``src/seac/assets/audio_encoder.safetensors``: ``python -m recipes.audio_student --help``."""
