"""Videos: the predictor that streams results, tracks, prefetching."""
