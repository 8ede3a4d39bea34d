"""A page to look at: what stage 1 finds and misses, and what becomes of clips."""
