"""A server in a process of its own: ``python -m tests.serve.server FOLDER RUNNER``."""

import sys
from pathlib import Path

from seac.serve.run import Address, run_server
from seac.serve.settings import ServeSettings

if __name__ == "__main__":
    folder, runner = sys.argv[1:]
    settings = ServeSettings(Path(folder), exports=("csv",), runner=runner)
    run_server(settings, Address(port=0))
