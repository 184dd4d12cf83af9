"""Configuration: what was older has to be as it was, what is younger may go, and nothing to compare is unknown."""

from datetime import UTC, datetime

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.target.settings_loss import RecordedSettings, compare, settings_in

TAKEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BEFORE = {"flag A": "on for 100 %", "flag B": "on for 50 %", "setting theme": '"dark"', "setting probe": '"x"'}


def compared(**changes: str | None) -> Measured:
    """Afterwards it is as before, but for these; None stands for gone. The strategy switches flag A, the probe is young."""
    after = {**BEFORE, **{name.replace("_", " "): value for name, value in changes.items()}}
    before = RecordedSettings(taken_at=TAKEN, values=BEFORE, young=("setting probe",))
    known = {name: value for name, value in after.items() if value is not None}
    return compare(before, known, left_out={"flag A"}, loss_s_max=300)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flag_B": "off for 0 %"}, "flag B is off for 0 %, was on for 50 %"),
        ({"flag_B": None}, "flag B is gone"),
        ({"setting_theme": None}, "setting theme is gone"),
        ({"setting_theme": '"light"'}, "setting theme has another value"),
    ],
)
def test_what_is_older_must_not_change(changes: dict[str, str | None], said: str) -> None:
    """Gone or changed, with the name; the values of a person's settings are not shown."""
    found = compared(**changes)

    assert found.number == 1
    assert (
        str(found) == f"1 flags or settings older than 300 s are lost (2 compared with 2026-01-02 03:04:05 UTC): {said}"
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"settings": {"theme": "dark"}}, {"theme": "dark"}),
        ({"settings": {}}, {}),
        (
            {"user_id": "7", "pam_preferences": {"on": True}, "privacy_preferences": {}},
            {"pam_preferences": {"on": True}, "privacy_preferences": {}},
        ),
        ({"user_id": "7"}, None),
        ({"settings": []}, None),
        ([], None),
        (None, None),
    ],
)
def test_settings_are_found_in_both_forms(body: object, found: object) -> None:
    """Listed under their names, or as the row of a wide table; anything else says nothing of them."""
    assert settings_in(body) == found


def test_wiped_columns_of_a_wide_table_are_lost() -> None:
    """The API gives a column of preferences as a setting with an object; one that is empty now is not what it was."""
    wide = {f"setting {name}_preferences": '{"on": true}' for name in ("display", "pam", "privacy")}
    before = RecordedSettings(taken_at=TAKEN, values=wide)
    found = compare(before, dict.fromkeys(wide, "{}"), left_out=(), loss_s_max=300)

    assert found.number == len(wide)
    assert all(name in str(found) for name in wide)


def test_what_is_younger_may_be_lost_and_is_told() -> None:
    """The objective allows it."""
    found = compared(setting_probe=None)

    assert found.number == 0
    assert "1 of 1 younger lost" in found.definition


def test_nothing_to_compare_is_unknown() -> None:
    """Never within the objective."""
    empty = compare(RecordedSettings(taken_at=TAKEN, values={}), BEFORE, left_out=set(), loss_s_max=300)

    with pytest.raises(MeasurementFailed, match="no flag and no setting of before is known"):
        _ = empty.number
