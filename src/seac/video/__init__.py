"""Video: streaming predictor, tracker, prefetching."""
