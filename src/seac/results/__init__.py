"""Results of whole videos: stored values, reader and writer, and the decision made again from them."""
