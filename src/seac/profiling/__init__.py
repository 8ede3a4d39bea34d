"""Our path beside the plain one: the same weights, the same run, ratios and whether the answers are equal."""
