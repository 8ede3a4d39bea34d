"""Audio encoders, one file each."""
