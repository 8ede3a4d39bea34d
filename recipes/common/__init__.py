"""Code shared by several recipes: media, composite scenes, cached features."""
