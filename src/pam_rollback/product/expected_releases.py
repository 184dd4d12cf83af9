"""Which release each of the two sites should serve: after a rollback of one of them they differ, and that is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FRONT_END, BACK_END = "the front end", "the back end"
FRONT_PAGE = "the front page"
"""What visitors are given: a cache may have another release's, whatever the front end says of itself."""
_SITES = ("frontend", "backend")
_FORMS = "one RELEASE for both sites, or frontend=RELEASE and backend=RELEASE"


@dataclass(frozen=True)
class ExpectedReleases:
    """By site. Empty: nobody said, and then the answers can only be held against each other."""

    frontend: str = ""
    backend: str = ""

    @classmethod
    def named(cls, texts: Sequence[str]) -> "ExpectedReleases":
        """As people name them: ``RELEASE`` for all of it, or ``frontend=RELEASE`` and ``backend=RELEASE``. Raises ValueError."""
        found: dict[str, str] = {}
        for text in texts:
            site, equals, release = text.rpartition("=")
            if not release.strip() or (equals and site not in _SITES):
                raise ValueError(f"{text!r}: expected {_FORMS}")
            for each in [site] if equals else _SITES:
                if each in found:
                    raise ValueError(f"{text!r}: the {each} is named twice, {found[each]} before; expected {_FORMS}")
                found[each] = release.strip()
        return cls(**found)

    @property
    def apart(self) -> tuple[str, ...]:
        """The sites that were named one by one."""
        return tuple(site for site in _SITES if getattr(self, site)) if self.frontend != self.backend else ()

    def told(self, found: Mapping[str, str]) -> str:
        """Which part names which release, and which each should, in words."""
        parts: dict[str, list[str]] = {}
        for name, release in found.items():
            parts.setdefault(release or "none", []).append(name)
        named = "; ".join(f"{release}: {', '.join(names)}" for release, names in parts.items())
        wanted = [f"{name} {one}" for name, one in ((FRONT_END, self.frontend), (BACK_END, self.backend)) if one]
        return f"the parts name releases {named}" + (f"; expected of {', of '.join(wanted)}" if wanted else "")

    def left_behind(self, found: Mapping[str, str]) -> dict[str, str]:
        """The parts that serve something else than they should, with what they serve; by their names, ``FRONT_END`` among them.

        Where nobody said, every part that does not agree with all others counts; one that names no release always does.
        """
        wanted = {name: self.frontend if name in {FRONT_END, FRONT_PAGE} else self.backend for name in found}
        if not any(wanted.values()):
            return dict(found) if len(set(found.values())) > 1 or not all(found.values()) else {}
        return {name: release for name, release in found.items() if not release or release != (wanted[name] or release)}
