"""What several recipes share: media, composite scenes, cached features."""
