"""Whether a person's word, or a dated waiver, answers for a test that could not be run."""

from collections.abc import Collection, Sequence


def is_answered(ids: Sequence[str], answered: Collection[str], success_criteria: Collection[str]) -> bool:
    """Whether the answers cover what the test is about.

    A success criterion speaks for the other items that its tests serve: whoever vouches for SC-4 vouches for the data, in each table.
    Without one, every item of the test needs its own answer. A test that serves no item cannot be answered for.
    """
    needed = [one for one in ids if one in success_criteria] or ids
    return bool(needed) and set(needed) <= set(answered)


def to_be_acknowledged(ids: Sequence[str], success_criteria: Collection[str]) -> str:
    """The options with which a person answers for the test; empty when nobody can."""
    needed = [one for one in ids if one in success_criteria] or ids
    return " ".join(f'--ack {one}="who: evidence"' for one in needed)
