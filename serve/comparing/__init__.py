"""What ``sightline compare`` is made of: runs of shapes, the document on them, its table and its page."""
