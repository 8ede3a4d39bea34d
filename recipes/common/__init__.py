"""What several training share: media, composite scenes, cached features."""
