"""A job as a user writes it: its file, its schema, and what is wrong with it."""
