"""Whether a database is the one behind the API: shown, refuted, or not shown, and what each means for a finding."""

from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.database_link import DatabaseLink, Link, judge_link


def judged(**changes: Any) -> DatabaseLink:
    """A row that was written and seen, but for the changes."""
    seen = {"where": "db:5432/pam", "row": "a setting", "in_recovery": False, "in_database": True, "in_api": True}
    return judge_link(**{**seen, "written": True, **changes})


@pytest.mark.parametrize(
    ("changes", "link", "words"),
    [
        ({}, Link.SHOWN, "a setting was written through the API and seen at db:5432/pam"),
        ({"in_recovery": True}, Link.REFUTED, "db:5432/pam is a replica (pg_is_in_recovery)"),
        ({"in_recovery": True, "written": False, "problem": "HTTP 503"}, Link.REFUTED, "is a replica"),
        ({"in_database": False}, Link.REFUTED, "it is not at db:5432/pam; is database_dsn another environment's?"),
        ({"in_database": False, "in_api": False}, Link.NOT_SHOWN, "the product loses writes"),
        ({"written": False, "problem": "HTTP 503"}, Link.NOT_SHOWN, "HTTP 503"),
        ({"written": False, "in_database": False}, Link.NOT_SHOWN, "no row could be written"),
        ({"problem": "role visitor may not ask this"}, Link.NOT_SHOWN, "role visitor may not ask this"),
    ],
)
def test_what_was_seen_is_judged(changes: dict[str, Any], link: Link, words: str) -> None:
    """A replica is refused whatever it shows; a write that the API itself has lost is no proof against the database."""
    found = judged(**changes)

    assert found.link is link
    assert words in found.why


def test_what_nobody_could_look_at_is_a_condition() -> None:
    """Said by every finding in the same words, so that the verdict has it once; a refuted link never passes as one."""
    unproven = DatabaseLink(Link.UNPROVEN, "staging declares no test_account")

    unproven.confirm_good("no offenders")
    assert unproven.unproven == "whether this is the database behind the API: staging declares no test_account"
    assert {judged().unproven, judged(written=False).unproven, judged(in_database=False).unproven} == {""}


def test_good_findings_need_the_right_database_and_bad_ones_only_no_wrong_one() -> None:
    """A bad row is told also when nobody could write just now; of another environment's database nothing counts."""
    shown, not_shown, refuted = judged(), judged(written=False), judged(in_database=False)

    shown.confirm_good("no offenders")
    shown.refuse_other()
    not_shown.refuse_other()
    with pytest.raises(MeasurementFailed, match="not known whether this is the database behind the API") as unknown:
        not_shown.confirm_good("no offenders")
    assert "found there: no offenders; see docs/runbook.md#database-behind-api" in str(unknown.value)
    for finding in (refuted.refuse_other, lambda: refuted.confirm_good("no offenders")):
        with pytest.raises(MeasurementFailed, match="another environment's"):
            finding()
