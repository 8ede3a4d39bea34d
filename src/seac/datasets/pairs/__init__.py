"""Training pairs: an image, frames or a video with audio, from benchmarks and folders."""
