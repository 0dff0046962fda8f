"""Semantic versions (semver.org 2.0.0, without build metadata) and which one a new model gets."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering

from app.errors import Invalid

_PATTERN = re.compile(
    r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


@total_ordering
@dataclass(frozen=True)
class Version:
    """`major.minor.patch`, optionally with a pre-release such as `1.2.0-rc.1`."""

    major: int
    minor: int
    patch: int
    pre: str = ""

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `text` or raise `Invalid`. Build metadata (`+…`) is refused: two builds must be two versions."""
        match = _PATTERN.fullmatch(text)
        if match is None or any(p.isdigit() and len(p) > 1 and p[0] == "0" for p in (match[4] or "").split(".")):
            raise Invalid(f"{text!r} is not a semantic version such as 1.4.0 or 2.0.0-rc.1.")
        return cls(int(match[1]), int(match[2]), int(match[3]), match[4] or "")

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{self.pre}" if self.pre else "")

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[object, ...]:
        # A pre-release precedes its release; numeric identifiers precede others and compare as numbers (semver §11).
        identifiers = (
            tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in self.pre.split(".")) if self.pre else ()
        )
        return (self.major, self.minor, self.patch, not self.pre, identifiers)


def next_version(existing: Iterable[str], base: str | None) -> Version:
    """The version of a newly trained model.

    The first one is 1.0.0. A model trained from a base raises the minor number; one trained from scratch raises the
    major number, because nothing says that it behaves like its predecessors.
    """
    versions = [Version.parse(v) for v in existing]
    if not versions:
        return Version(1, 0, 0)
    newest = max(versions)
    if base is None:
        return Version(newest.major + 1, 0, 0)
    major = Version.parse(base).major
    newest_minor = max((v.minor for v in versions if v.major == major), default=-1)
    return Version(major, newest_minor + 1, 0)
