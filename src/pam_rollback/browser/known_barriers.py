"""The barriers that the baseline has: each by its rule, the page state in which it was met and the element."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pam_rollback.environment.known_before import Finding

BARRIERS_FILE = "barriers.json"
"""Beside the index of a baseline."""
ITEM = "CR-4"
"""Accessibility broken, of the plan's criteria."""

Key = tuple[str, str, str]
"""Rule, page state, element."""

_ID = re.compile(r"#(?:\\.|[^\s>.:\[])+")
_NUMBER = re.compile(r"\d+")
_REACT = re.compile(r"(\\:r|«r|_r_)[0-9a-vN]+(\\:|»|_)")
"""What React's useId counts up, to the base of 32."""
_CLASSES = re.compile(r"\[[^\]]*\]|(?:\.(?:\\.|[^\s>.:\[#+~,\\])+){2,}")
"""Classes of one element, one after the other. What stands in brackets is passed over."""
_CLASS = re.compile(r"\.(?:\\.|[^.\\])+")
_POSITION = re.compile(r"(:nth-(?:child|of-type)\()\d+\)")


def stable(selector: str) -> str:
    """The selector without what differs between two visits: counters in ids, positions among siblings, and the order of classes.

    axe-core names the rarest class of an element first, and which one that is depends on what else the page shows.
    """
    without_counters = _ID.sub(lambda found: _NUMBER.sub("N", _REACT.sub(r"\1N\2", found.group())), selector)
    return _POSITION.sub(r"\1N)", _CLASSES.sub(_in_order, without_counters))


def _in_order(found: re.Match[str]) -> str:
    text = found.group()
    return text if text.startswith("[") else "".join(sorted(_CLASS.findall(text)))


def as_finding(key: Key, count: int = 1, by: str = "", path: str = "") -> Finding:
    """A barrier as a waiver names it, ``color-contrast on home-light: a.button``; and, with all of its rule, ``color-contrast on *: *``.

    ``path``: the element's place in the page. axe-core names an element by what is rare at that moment, so one can have two names.
    """
    rule, page_state, selector = key
    place = f"{rule} on {page_state}: {path}" if path else ""
    pattern = f"{rule} on *: *"
    return Finding(ITEM, f"{rule} on {page_state}", selector, count, kind=rule, pattern=pattern, by=by, place=place)


@dataclass(frozen=True)
class Known:
    """The barriers of a baseline: how often each was there, and the rules that found them."""

    counts: Mapping[Key, int]
    rules: str
    paths: Mapping[Key, str] = field(default_factory=dict)
    """Where in the page it was; of what was in several places, nothing."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each as a later run compares it."""
        return tuple(as_finding(key, count, path=self.paths.get(key, "")) for key, count in self.counts.items())

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        listed = {"barriers": self.counts, "paths": self.paths}
        return {"rules": self.rules} | {
            name: [[*key, value] for key, value in sorted(values.items())] for name, values in listed.items()
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read back what ``as_data`` gave, also before what counts as differing grew, and before there were paths."""
        counts: Counter[Key] = Counter()
        for rule, state, target, count in data["barriers"]:
            counts[str(rule), str(state), stable(str(target))] += int(count)
        # A path is exact: with positions left out, one button of a row would stand for any other.
        paths = {
            (str(rule), str(state), stable(str(target))): str(path)
            for rule, state, target, path in data.get("paths", [])
        }
        return cls(counts, str(data["rules"]), paths)
