"""Is the database that the checks ask the one behind the API? A row that was written through the one has to be seen through the other.

Without that, green says little: a copy, a replica that lags, or another environment's database is whole while the real one is not. Where no
account may write, both may still name the same project of Supabase; else the verdict has a condition.
"""

from dataclasses import dataclass
from enum import Enum

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Sentence

_RUNBOOK = "docs/runbook.md#database-behind-api"


class Link(Enum):
    """What is known of it."""

    SHOWN = "shown"
    REFUTED = "refuted"
    NOT_SHOWN = "not shown"
    UNPROVEN = "unproven"
    """Nobody could be asked: this environment has no account that may write."""


@dataclass(frozen=True, repr=False)
class DatabaseLink(Sentence):
    """``why`` is the sentence: what was seen through both, or what speaks against it, or what kept us from looking."""

    link: Link
    why: str
    cause: str = ""
    """What kept us from looking, and from more than that."""

    def confirm_good(self, what: object) -> None:
        """For a finding that is good. Raises MeasurementFailed when it was looked for whether this is the database, and it was not seen.

        Where nobody could look, the verdict has a condition instead (``unproven``).
        """
        if self.link in {Link.REFUTED, Link.NOT_SHOWN}:
            raise MeasurementFailed(
                f"not known whether this is the database behind the API: {self.why}; found there: {what}; see {_RUNBOOK}",
                cause=self.cause,
            )

    def refuse_other(self) -> None:
        """For any finding. Raises MeasurementFailed when the database is known to be another one."""
        if self.link is Link.REFUTED:
            raise MeasurementFailed(
                f"this is not the database behind the API, so nothing it holds counts: {self.why}; see {_RUNBOOK}"
            )

    @property
    def unproven(self) -> str:
        """What the verdict rests on without a proof; empty where there is one."""
        return f"whether this is the database behind the API: {self.why}" if self.link is Link.UNPROVEN else ""

    def __str__(self) -> str:
        """The sentence."""
        return f"the database behind the API, {self.link.value}: {self.why}"


def judge_link(
    *, where: str, row: str, in_recovery: bool, in_database: bool, in_api: bool, written: bool, problem: str = ""
) -> DatabaseLink:
    """Judge what was seen. ``row`` is what the row is called; ``in_api``: the API itself gives it, asked when the database does not.

    A row that neither gives is a write that the product lost, which says nothing of the database.
    """
    if in_recovery:
        return DatabaseLink(
            Link.REFUTED,
            f"{where} is a replica (pg_is_in_recovery): what it holds may be older; give the primary's address (database_dsn)",
        )
    if problem or not written:
        return DatabaseLink(Link.NOT_SHOWN, problem or "no row could be written through the API")
    if in_database:
        return DatabaseLink(Link.SHOWN, f"{row} was written through the API and seen at {where}")
    if in_api:
        return DatabaseLink(
            Link.REFUTED,
            f"{row} was written through the API, which gives it back, but it is not at {where}; is database_dsn another environment's?",
        )
    return DatabaseLink(
        Link.NOT_SHOWN, f"{row} was acknowledged by the API, which does not have it any more: the product loses writes"
    )
