"""Values that stages exchange, errors, atomic files, checkpoints; imports nothing of seac."""
