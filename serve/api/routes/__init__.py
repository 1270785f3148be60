"""The HTTP routes, one short file for each thing that is served."""
