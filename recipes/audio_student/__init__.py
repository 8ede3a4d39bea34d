"""The recipe of ``src/seac/assets/audio_student.safetensors``: ``python -m recipes.audio_student --help``."""
