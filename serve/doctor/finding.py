"""What a check found, and what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem", "skipped"]
"""``skipped``: there is nothing to look at here. A ``problem`` keeps something from working, or lets others in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the command. No text of it holds a secret.

    ``remedy``: one sentence; None where nothing need be done.
    """

    check: str
    state: State
    found: str
    remedy: str | None = None
