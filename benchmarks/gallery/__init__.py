"""Gallery of proposals and clips, an HTML page for visual inspection."""
