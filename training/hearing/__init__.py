"""How ``src/seac/assets/hearing.safetensors`` was made: ``python -m training.hearing --help``."""
