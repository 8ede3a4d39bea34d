"""Stage 1: class-agnostic mask proposals from the image alone; one file per detector or segmenter."""
