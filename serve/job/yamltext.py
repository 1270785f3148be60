"""YAML and JSON as plain values that know where they stand. Nothing in a text can run, grow without end or hide.

Plain scalars are read as YAML 1.2 reads them (``no`` and ``1:30`` are text), which makes every JSON text mean what it
means as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from typing_extensions import override
from yaml.events import Event
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MOST_BYTES = 1024 * 1024
DEEPEST = 32
MOST_NODES = 200_000
"""Values of a text once its aliases are followed."""
MOST_CHARACTERS = 4 * MOST_BYTES
LARGEST = 2**53
"""To this number a double holds all integers."""

Path = tuple[str | int, ...]

_PLAIN = (
    ("null", re.compile(r"null|Null|NULL|~|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]+")),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")),
)
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON may hold in a string as they are, and YAML may not, or takes for the end of a line."""
_TAB = "a tab: YAML takes spaces only"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in its text: line and column, both from 1."""

    line: int
    column: int


class YamlError(ValueError):
    """A text that cannot be read; the message says why, without the place."""

    def __init__(self, place: Place, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.place = place
        self.path = path


@dataclass(slots=True)
class Read:
    """What a text says, and where. ``keys`` has the places of the keys of mappings, by the path of their values."""

    value: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)


def read(data: bytes) -> Read:
    """The value of a text: mappings, lists, text, numbers, truth values, null; None where it is empty.

    Raises:
        YamlError: It is no text, no YAML, says a key twice, or is too large, too deep or too much.
    """
    if len(data) > MOST_BYTES:
        raise YamlError(Place(1, 1), f"is larger than {MOST_BYTES} bytes, the most that is read")
    text = _as_yaml(_decoded(data))
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        raise YamlError(_place_of(text, error.position), f"the character {_coded(error.character)}") from error
    except yaml.MarkedYAMLError as error:
        raise _translated(error) from error
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        return Read()
    return _Reading().whole(root)


def scalar(text: str) -> Any:
    """The value that a plain scalar has: null, a truth value, a number or text.

    Raises:
        ValueError: It is a number beyond what JSON's readers hold.
    """
    kind = next((name for name, pattern in _PLAIN if pattern.fullmatch(text)), "str")
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "str":
        return text
    number = int(text) if kind == "int" and len(text) < 20 else float(text)
    if abs(number) > LARGEST:
        raise ValueError("a number that is too large")
    return number


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Composes nodes; refuses tags and depth before it goes down."""

    depth = 0

    @override
    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Event = self.peek_event()
        if getattr(event, "tag", None) not in {None, "!"}:
            raise yaml.composer.ComposerError(None, None, "a tag (!): only plain values are read", event.start_mark)
        if self.depth >= DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {DEEPEST}", event.start_mark)
        self.depth += 1
        node: Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Reading:
    """Turns nodes into values, and counts what aliases make of them."""

    def __init__(self) -> None:
        self._read = Read()
        self._nodes = self._characters = 0

    def whole(self, root: Node) -> Read:
        self._read.value = self._value(root, ())
        return self._read

    def _value(self, node: Node, path: Path) -> Any:
        self._count(node, path)
        self._read.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        if node.style is not None:
            return _text(node, path)
        try:
            return scalar(_text(node, path))
        except ValueError as error:
            raise YamlError(_place(node), str(error), path) from error

    def _items(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Place] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise YamlError(_place(key), "a key must be plain text, not a list or mapping", path)
            name, here = _text(key, path), _place(key)
            if name == "<<" and key.style is None:
                raise YamlError(here, "merge keys (<<) are not read; what streams share stands under 'defaults'", path)
            if name in seen:
                raise YamlError(here, f"this key stands twice; first in line {seen[name].line}", (*path, name))
            seen[name] = self._read.keys[*path, name] = here
            yield name, self._value(value, (*path, name))

    def _count(self, node: Node, path: Path) -> None:
        self._nodes += 1
        self._characters += len(node.value) if isinstance(node, ScalarNode) else 0
        if len(path) >= DEEPEST:
            raise YamlError(_place(node), f"nested deeper than {DEEPEST}, or an alias within itself", path[:3])
        if self._nodes > MOST_NODES or self._characters > MOST_CHARACTERS:
            raise YamlError(_place(node), "aliases (*) make this too large", path[:3])


def _text(node: ScalarNode, path: Path) -> str:
    """A scalar's text; a surrogate pair that JSON has escaped is one character, one alone is none."""
    try:
        text: str = node.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise YamlError(_place(node), "half a surrogate pair, which is no text", path) from error
    if "\0" in text:
        raise YamlError(_place(node), "text with the character U+0000", path)
    return text


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        raise YamlError(_place_of(before, len(before)), f"the byte 0x{data[error.start]:02x} is no UTF-8") from error


def _as_yaml(text: str) -> str:
    """JSON as YAML has it: spaces for its tabs (which no string holds), and escapes for what YAML takes otherwise."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text.replace("\t", " "))


def _coded(character: Any) -> str:
    return f"U+{character:04X}" if isinstance(character, int) else repr(character)


def _translated(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    problem = error.problem or "no YAML"
    if "\\t" in problem or _on_tab(mark):
        return YamlError(place, _TAB)
    if "found another document" in problem:
        return YamlError(place, "a second document (---); one file has one job")
    return YamlError(place, f"{problem} ({error.context})" if error.context else problem)


def _on_tab(mark: yaml.Mark | None) -> bool:
    """Whether a tab is at the mark or between it and the start of its line."""
    if mark is None or mark.buffer is None:
        return False
    line = mark.buffer[: mark.pointer + 1].rpartition("\n")[2]
    return "\t" in line[: len(line) - len(line.lstrip()) + 1]
