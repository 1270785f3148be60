"""Reports of finished streams."""
