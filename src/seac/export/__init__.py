"""Writers of results, one module per format, and their table."""
