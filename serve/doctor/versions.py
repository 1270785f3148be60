"""Python and packages, against what this version of Sightline asks for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from serve.doctor.finding import Finding

CORE = ""
"""The extra of what every installation has."""

EXTRAS = {
    "cluster": "`sightline up`, `demo`, and shapes other than fused", "bucket": "a bucket that `compare` starts itself",
    "models": "models of your own, and a GPU",
}  # fmt: skip
"""What is needed for what, beside the core."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package that is asked for, with a specifier such as ``<2,>=1.6``. ``installed`` is None where it is not."""

    name: str
    specifier: str
    installed: str | None

    @property
    def fits(self) -> bool:
        """Whether the version that is installed is among those that are asked for."""
        return self.installed is not None and SpecifierSet(self.specifier).contains(self.installed, prereleases=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a distribution asks for: Python, and packages by extra."""

    python: str
    packages: dict[str, tuple[Wanted, ...]]


def look(distribution: str = "sightline") -> Asked | None:
    """What is asked for and what is there; None where the distribution is not installed, and so says nothing."""
    try:
        known = metadata(distribution)
    except PackageNotFoundError:
        return None
    asked = [Requirement(text) for text in known.get_all("Requires-Dist") or ()]
    packages = {
        extra: tuple(
            Wanted(one.name, str(one.specifier), _installed(one.name)) for one in asked if _belongs(one, extra)
        )
        for extra in (CORE, *EXTRAS)
    }
    return Asked("".join(known.get_all("Requires-Python") or ()), packages)


def _belongs(one: Requirement, extra: str) -> bool:
    """Whether it is asked for with an extra, and not without."""
    with_it = one.marker is None or one.marker.evaluate({"extra": extra})
    return with_it and (extra == CORE or not (one.marker is None or one.marker.evaluate({"extra": CORE})))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def running() -> str:
    """This Python's version."""
    return ".".join(map(str, sys.version_info[:3]))


def judge(asked: Asked | None, python: str) -> list[Finding]:
    """A finding on Python, one on the core, and one for each extra."""
    if asked is None:
        why = "Sightline runs from a folder and is not installed: nothing says which versions it needs"
        return [Finding("packages", "skipped", why, "Run `make install`, or `pip install -e .` in that folder.")]
    extras = [_extra(name, asked.packages[name]) for name in EXTRAS if name in asked.packages]
    return [_python(asked.python, python), _core(asked.packages[CORE]), *extras]


def _python(asked: str, python: str) -> Finding:
    if SpecifierSet(asked).contains(python, prereleases=True):
        return Finding("python", "ok", python)
    return Finding("python", "problem", f"{python}, and {asked} is needed", f"Install Sightline with Python {asked}.")


def _core(wanted: Sequence[Wanted]) -> Finding:
    wrong = [one for one in wanted if not one.fits]
    if wrong:
        return Finding("packages", "problem", _listed(wrong), _remedy(wrong))
    return Finding("packages", "ok", f"{len(wanted)} packages, each of a version that is asked for")


def _extra(name: str, wanted: Sequence[Wanted]) -> Finding:
    check, use = f"packages for {name}", EXTRAS[name]
    if missing := [one.name for one in wanted if one.installed is None]:
        return Finding(
            check, "skipped", f"not installed: {', '.join(missing)}",
            f"For {use}: `pip install 'sightline[{name}]'`.",
        )  # fmt: skip
    if wrong := [one for one in wanted if not one.fits]:
        return Finding(check, "problem", _listed(wrong), _remedy(wrong))
    return Finding(check, "ok", ", ".join(f"{one.name} {one.installed}" for one in wanted))


def _listed(wrong: Sequence[Wanted]) -> str:
    return "; ".join(f"{one.name} {one.installed or 'is missing'}, and {one.specifier} is needed" for one in wrong)


def _remedy(wrong: Sequence[Wanted]) -> str:
    asked = " ".join(f"'{one.name}{one.specifier}'" for one in wrong)
    return f"Run: pip install {asked}"
