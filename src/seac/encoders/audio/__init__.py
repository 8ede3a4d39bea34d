"""Audio networks, one file each."""
