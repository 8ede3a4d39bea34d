"""Whether the probability that a mask sounds means the same on photographs, composites and real clips."""
