"""The command line: one file per command, with its options and the call of its job."""
