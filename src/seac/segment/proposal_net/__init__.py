"""The proposal network and segmenter of the preset tiny."""
