"""Training ablations: axes and report."""
