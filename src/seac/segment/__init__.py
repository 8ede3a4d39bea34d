"""Stage 1: class-agnostic masks from the picture alone. One file per detector or segmenter."""
