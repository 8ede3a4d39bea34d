"""What is written to disk, one file per format."""
