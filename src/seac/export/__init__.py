"""What is written down: one file per format, and the table of them."""
