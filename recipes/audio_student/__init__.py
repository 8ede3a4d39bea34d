"""How ``src/seac/assets/audio_student.safetensors`` was made: ``python -m recipes.audio_student --help``."""
