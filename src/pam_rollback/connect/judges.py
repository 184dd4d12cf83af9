"""What a rollback itself would judge: the files of ``drills/``, by the abilities that their actions stand on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from pam_rollback.connect.doctor import Judge
from pam_rollback.plan.held_tests import HeldTest


class Story(Protocol):
    """One file of ``drills/``, as far as it is of interest here."""

    @property
    def abilities(self) -> tuple[str, ...]:
        """What its action stands on."""


def of_stories(
    stories: Mapping[str, Story],
    held: Mapping[str, Sequence[HeldTest]],
    objectives: Mapping[str, str],
    declared: Collection[str],
) -> Iterator[Judge]:
    """``held``: by story, the tests of its file. ``objectives``: by story, the recovery time that it is held against."""
    for name, story in stories.items():
        missing = tuple(ability for ability in story.abilities if ability not in declared)
        for test in held.get(name, ()):
            yield Judge(f"{name}::{test.name}", tuple(sorted(test.items)), (), missing)
        if name in objectives:
            yield Judge(name, (objectives[name],), (), missing)
