"""One file a command: what the command line says, and the call that answers it."""
