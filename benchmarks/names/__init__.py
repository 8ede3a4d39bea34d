"""Names of masks on photographs with recordings."""
