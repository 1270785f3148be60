"""The work: media in, measurements and incidents out. Knows nothing of HTTP, jobs or placement."""
