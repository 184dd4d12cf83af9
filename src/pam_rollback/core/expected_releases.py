"""Which release each of the two sites should serve: after a rollback of one of them they differ, and that is right."""

from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.core.served_release import FRONT_END


@dataclass(frozen=True)
class ExpectedReleases:
    """By site. Empty: nobody said, and then the answers can only be held against each other."""

    frontend: str = ""
    backend: str = ""

    @classmethod
    def both(cls, release: str) -> "ExpectedReleases":
        """One release for all of it."""
        return cls(release, release)

    def left_behind(self, found: Mapping[str, str]) -> dict[str, str]:
        """The parts that serve something else than they should, with what they serve; by their names, ``FRONT_END`` among them.

        Where nobody said, every part that does not agree with all others counts; one that names no release always does.
        """
        wanted = {name: self.frontend if name == FRONT_END else self.backend for name in found}
        if not any(wanted.values()):
            return dict(found) if len(set(found.values())) > 1 or not all(found.values()) else {}
        return {name: release for name, release in found.items() if not release or release != (wanted[name] or release)}
