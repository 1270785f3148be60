"""``python -m serve`` is ``sightline``."""

from serve.cli import main

main()
