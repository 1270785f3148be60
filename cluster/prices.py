"""A sheet of list prices: what each part of a shape costs where it is rented, where that was read, and when."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.sources import UsageError, UsageErrors

PACKAGED = Path(__file__).with_name("prices.yaml")
"""The sheet that comes with Sightline."""

_DEEPEST = 4

Unit = TypeVar("Unit", bound=str)
Positive = Annotated[Decimal, Field(gt=0, max_digits=24, decimal_places=14)]
NotNegative = Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=14)]
_Lines = dict[tuple[str | int, ...], int]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Part, Generic[Unit]):
    """``price``, in the sheet's currency, for each ``per`` units.

    ``source`` is the page that says so, ``date`` the day on which it was read; ``confirmed`` is false where the page
    does not bear out all of it.
    """

    price: NotNegative
    per: Positive
    unit: Unit
    source: Annotated[str, Field(pattern=r"^https?://\S+$")]
    date: datetime.date
    confirmed: bool

    @property
    def each(self) -> Decimal:
        """What one unit costs."""
        return self.price / self.per


class Packing(_Part):
    """What work that goes on all the time is rented as, and how full its processors and GPUs may be (0 to 1)."""

    host: Literal["container", "instance"]
    utilisation: Annotated[Decimal, Field(gt=0, le=1)]


class Functions(_Part):
    """Functions that are started for each piece of work."""

    memory_time: Price[Literal["GB-second"]]
    request: Price[Literal["request"]]


class Bucket(_Part):
    """An object store. ``put`` is for writing and listing, ``get`` for reading; deleting is free."""

    kept_hours: NotNegative
    put: Price[Literal["request"]]
    get: Price[Literal["request"]]
    storage: Price[Literal["GB-month"]]


class Container(_Part):
    """Containers of any size that have at least ``least_gb_per_vcpu`` of memory for each processor."""

    least_gb_per_vcpu: NotNegative
    processor_time: Price[Literal["vCPU-hour"]]
    memory_time: Price[Literal["GB-hour"]]


class Instance(_Part):
    """A machine, on demand."""

    name: str
    vcpus: Positive
    memory_gb: Positive
    time: Price[Literal["instance-hour"]]


class GpuInstance(Instance):
    """A machine with GPUs, on demand."""

    gpus: Positive


class Sheet(_Part):
    """Every price that a bill needs, of one provider, region and currency. A GB is 2^30 bytes.

    ``transfer`` is what a byte costs in all on its way to a machine in another zone, at both of its ends.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    region: str
    packing: Packing
    functions: Functions
    transition: Price[Literal["transition"]]
    bucket: Bucket
    transfer: Price[Literal["GB"]]
    container: Container
    instance: Instance
    gpu_instance: GpuInstance


def load(path: Path | None = None) -> Sheet:
    """The sheet in a file; the packaged one where none is named. Figures are taken to the last digit.

    Raises:
        UsageError: The file cannot be read, or is no YAML.
        UsageErrors: It is no sheet: a line for each thing that is wrong.
    """
    path = path or PACKAGED
    root = _composed(path)
    lines: _Lines = {}
    try:
        return Sheet.model_validate(_plain(path, root, (), lines))
    except ValidationError as error:
        told = sorted((_line(lines, flaw["loc"]), _written(flaw["loc"]) + flaw["msg"]) for flaw in error.errors())
        raise UsageErrors([str(_wrong(path, line, why)) for line, why in told]) from error


def _composed(path: Path) -> Any:
    """The node that a file's YAML is."""
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a price sheet like {PACKAGED}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no UTF-8 text; name a price sheet like {PACKAGED}") from error
    except yaml.reader.ReaderError as error:
        raise _wrong(path, text.count("\n", 0, error.position) + 1, "a character that no YAML holds") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _wrong(path, mark.line + 1 if mark else 1, error.problem or "no YAML") from error
    if root is None:
        raise _wrong(path, 1, "is empty")
    return root


def _plain(path: Path, node: Any, steps: tuple[str | int, ...], lines: _Lines) -> Any:
    """A node as mappings, lists and text, and the line of each in ``lines``."""
    line = lines.setdefault(steps, node.start_mark.line + 1)
    if len(steps) > _DEEPEST:
        raise _wrong(path, line, f"is nested deeper than {_DEEPEST}")
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, item, (*steps, index), lines) for index, item in enumerate(node.value)]
    plain: dict[str, Any] = {}
    for key, value in node.value:
        name, at = key.value, key.start_mark.line + 1
        if not isinstance(name, str):
            raise _wrong(path, at, f"{_written(steps)}a key must be plain text")
        if name in plain:
            raise _wrong(path, at, f"{_written((*steps, name))}stands twice")
        lines[(*steps, name)] = at
        plain[name] = _plain(path, value, (*steps, name), lines)
    return plain


def _line(lines: _Lines, steps: tuple[str | int, ...]) -> int:
    """Where a flaw is; of what is missing, where its nearest parent begins."""
    while steps not in lines:
        steps = steps[:-1]
    return lines[steps]


def _written(steps: tuple[str | int, ...]) -> str:
    return f"{'.'.join(map(str, steps))}: " if steps else ""


def _wrong(path: Path, line: int, why: str) -> UsageError:
    return UsageError(f"{path}:{line}: {why}; see how {PACKAGED} has it")
