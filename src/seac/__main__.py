"""``python -m seac``."""

from seac.cli import main

main()
