"""Files to tensors and back: video, images, waveforms."""
