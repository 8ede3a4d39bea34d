"""Video in and out: decoding, overlay, timeline."""
