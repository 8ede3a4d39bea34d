"""What each command does: a spec in, files out."""
