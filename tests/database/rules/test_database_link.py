"""Whether a database is the one behind the API: shown, refuted, or not shown, and what each means for a finding."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.database_link import DatabaseLink, Link

SHOWN, NOT_SHOWN, REFUTED = (
    DatabaseLink(link, why)
    for link, why in ((Link.SHOWN, "seen"), (Link.NOT_SHOWN, "HTTP 503"), (Link.REFUTED, "it is another environment's"))
)


def test_what_nobody_could_look_at_is_a_condition() -> None:
    """Said by every finding in the same words, so that the verdict has it once; a refuted link never passes as one."""
    unproven = DatabaseLink(Link.UNPROVEN, "staging declares no test_account")

    unproven.confirm_good("no offenders")
    assert unproven.unproven == "whether this is the database behind the API: staging declares no test_account"
    assert {one.unproven for one in (SHOWN, NOT_SHOWN, REFUTED)} == {""}


def test_good_findings_need_the_right_database_and_bad_ones_only_no_wrong_one() -> None:
    """A bad row is told also when nobody could write just now; of another environment's database nothing counts."""
    SHOWN.confirm_good("no offenders")
    SHOWN.refuse_other()
    NOT_SHOWN.refuse_other()
    with pytest.raises(MeasurementFailed, match="not known whether this is the database behind the API") as unknown:
        NOT_SHOWN.confirm_good("no offenders")
    assert "found there: no offenders; see docs/runbook.md#database-behind-api" in str(unknown.value)
    for finding in (REFUTED.refuse_other, lambda: REFUTED.confirm_good("no offenders")):
        with pytest.raises(MeasurementFailed, match="another environment's"):
            finding()
