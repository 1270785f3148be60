"""How the parts of the ``sightline`` command are called: a file for each, and what only they use."""
