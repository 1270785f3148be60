"""Users' models: torch modules that measure pictures, each in a process of its own, and what guards the rest from them.

Nothing here imports torch but :mod:`actors.models.loading`, which is imported in a model's own process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from actors.measure import Metric

Colour = Literal["gray", "rgb"]


class Model(Protocol):
    """What a user's ``torch.nn.Module`` has beside its weights. It is made without arguments.

    ``metrics``: what it measures, a column each. ``size``: height and width of the pictures it is given; ``colour``:
    one channel, or red, green and blue (see :mod:`actors.models.pictures` for how they are made).
    """

    metrics: tuple[Metric, ...]
    size: tuple[int, int]
    colour: Colour

    def forward(self, pictures: Any) -> Any:
        """Measure pictures, each by itself.

        Args:
            pictures: A tensor (n, channels, height, width), float32, 0 to 1.

        Returns:
            A tensor (n, number of metrics) of finite numbers.
        """
        ...
