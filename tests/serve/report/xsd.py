"""As much of XML Schema as EBU's schema uses: finds what a document has that its schema does not allow."""

import re
from xml.etree import ElementTree

XS = "{http://www.w3.org/2001/XMLSchema}"
ENDLESS = 1 << 30


class Schema:
    """A schema of one namespace. Content models must be deterministic, as XML Schema asks."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self.namespace = root.get("targetNamespace")
        self.elements = {one.get("name"): one for one in root.findall(f"{XS}element")}
        self.types = {one.get("name"): one for one in root if one.tag in (f"{XS}complexType", f"{XS}simpleType")}
        self.seen = 0

    def errors(self, text):
        """What is wrong with a document, a line each. ``seen`` then is how many elements were checked."""
        root, self.seen = ElementTree.fromstring(text), 0
        name = self._name(root)
        return [f"no root {name}"] if name not in self.elements else list(self._element(root, self.elements[name]))

    def _name(self, element):
        return element.tag.removeprefix(f"{{{self.namespace}}}")

    def _element(self, element, declared):
        self.seen += 1
        kind = declared.find(f"{XS}complexType")
        kind = declared.find(f"{XS}simpleType") if kind is None else kind
        if kind is None:
            prefix, _, name = declared.get("type").partition(":")
            kind = self.types[name] if prefix == "qc" else name
        if isinstance(kind, str) or kind.tag == f"{XS}simpleType":
            if len(element):
                yield f"{self._name(element)} has elements"
            yield from (f"{self._name(element)}: {why}" for why in self._value(element.text or "", kind))
            return
        if (element.text or "").strip():
            yield f"{self._name(element)} has text {element.text!r}"
        rest = list(element)
        for group in self._content(kind):
            yield from self._group(rest, group)
        yield from (f"{self._name(one)} is not allowed there in {self._name(element)}" for one in rest)

    def _content(self, kind):
        """The groups of a complex type, those that it extends first."""
        extended = kind.find(f"{XS}complexContent/{XS}extension")
        if extended is not None:
            yield from self._content(self.types[extended.get("base").partition(":")[2]])
            kind = extended
        yield from (one for one in kind if one.tag in (f"{XS}sequence", f"{XS}choice"))

    def _group(self, rest, group):
        """Take from ``rest`` what a group matches."""
        if group.tag == f"{XS}sequence":
            for part in group:
                yield from self._part(rest, part)
            return
        for _ in range(most(group)):
            part = next((part for part in group if rest and self._is(rest[0], part)), None)
            if part is None:
                return
            yield from self._part(rest, part)

    def _part(self, rest, part):
        count = 0
        while rest and count < most(part) and self._is(rest[0], part):
            element, count = rest.pop(0), count + 1
            if part.tag == f"{XS}element":
                named = part.get("ref")
                yield from self._element(element, self.elements[named.partition(":")[2]] if named else part)
        if count < int(part.get("minOccurs", "1")):
            yield f"{part.get('name') or part.get('ref')} is missing" + (f" before {rest[0].tag}" if rest else "")

    def _is(self, element, part):
        if part.tag == f"{XS}any":
            assert part.get("namespace") == "##other"
            return not element.tag.startswith(f"{{{self.namespace}}}")
        return self._name(element) == (part.get("name") or part.get("ref").partition(":")[2])

    def _value(self, text, kind):
        if isinstance(kind, str):
            if not re.fullmatch(PLAIN[kind], text):
                yield f"{text!r} is no {kind}"
            return
        restricted = kind.find(f"{XS}restriction")
        prefix, _, base = restricted.get("base").partition(":")
        yield from self._value(text, self.types[base] if prefix == "qc" else base)
        allowed = [one.get("value") for one in restricted.findall(f"{XS}enumeration")]
        if allowed and text not in allowed:
            yield f"{text!r} is none of {allowed}"
        patterns = [one.get("value") for one in restricted.findall(f"{XS}pattern")]
        if patterns and not any(re.fullmatch(pattern, text) for pattern in patterns):
            yield f"{text!r} is not {patterns}"
        for bound in restricted.findall(f"{XS}maxInclusive"):
            if float(text) > float(bound.get("value")):
                yield f"{text} is more than {bound.get('value')}"


def most(part):
    """How often a part may occur."""
    found = part.get("maxOccurs", "1")
    return ENDLESS if found == "unbounded" else int(found)


PLAIN = {
    "string": r"(?s).*", "anyURI": r"\S*", "token": r"(\S+( \S+)*)?", "boolean": "true|false|0|1",
    "dateTime": r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "nonNegativeInteger": r"\+?\d+",
    "decimal": r"[+-]?\d+(\.\d*)?", "duration": r"-?P(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?",
}  # fmt: skip
