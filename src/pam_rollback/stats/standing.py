"""How what was measured stands to a limit, when it may be known within bounds only."""

from enum import StrEnum


class Standing(StrEnum):
    """Below the limit, at or above it, or not to be told."""

    BELOW = "below"
    REACHED = "reached"
    UNDECIDED = "undecided"
