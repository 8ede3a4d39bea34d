"""``python -m seac``."""

from seac.cli.app import main

main()
