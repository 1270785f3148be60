"""Where and how the work runs."""
