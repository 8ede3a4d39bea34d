"""The proposal network of the preset tiny."""
