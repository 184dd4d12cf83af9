"""What was red before is told from what is new, and from what nobody answers for."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.access.access import NO_TOKEN, Access, Attempt, Door
from pam_rollback.browser.journeys import BehindThePages, NewSession
from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_access import Shown, Strangers
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.environment_tables import Waiver
from pam_rollback.target.known_before import (
    Finding,
    Judged,
    KnownBefore,
    answers_in,
    unanswered_on,
    without_numbers,
)
from tests.waivers import accepted

TODAY = date(2026, 11, 27)
OPEN = Finding("SC-4", "public.expenses", "shows anon rows of others", 2)
RAMP = accepted("SC-4", "public.expenses: *")
ENVIRONMENTS = Path(__file__).parents[2] / "environments"


def known(*answers: Waiver, count: int = 2, refused: str = "") -> KnownBefore:
    """A baseline that has the open table."""
    return KnownBefore({(OPEN.item, OPEN.text): count} if count else {}, answers, refused, TODAY)


def judged(fact: Judged, *before: Finding) -> Judged:
    """The fact without what is known, where the baseline has this and somebody answers for it."""
    recorded = {(one.item, one.text): one.count for one in before}
    answers = tuple(accepted(one.item, one.text) for one in before)
    told = KnownBefore(recorded, answers, today=TODAY).told(fact.findings)
    return fact.without(told)


@pytest.mark.parametrize(
    ("register", "why"),
    [
        pytest.param(known(RAMP), None, id="known"),
        pytest.param(known(accepted("SC-4", *RAMP.known, until=TODAY)), None, id="its-last-day"),
        pytest.param(known(RAMP, count=0), "the baseline does not have it|no baseline shows", id="nothing-recorded"),
        pytest.param(known(count=0), "", id="new"),
        pytest.param(known(), "^nothing new: 1 known before, and nobody answers for it", id="nobody"),
        pytest.param(known(accepted("CR-4", *RAMP.known)), "nobody answers for it", id="another-item"),
        pytest.param(known(accepted("SC-4", "public.expense: *")), "nobody answers for it", id="another-table"),
        pytest.param(
            known(accepted("SC-4", *RAMP.known, until=date(2026, 11, 26))),
            "until 2026-11-26, and that day is over .R. Ramp",
            id="ended-yesterday",
        ),
        pytest.param(known(RAMP, count=1), "more of it than before, 2 instead of 1", id="more-of-it"),
        pytest.param(
            known(RAMP, refused="recorded while HC-3 was red"), "recorded while HC-3 was red", id="ill-baseline"
        ),
    ],
)
def test_a_finding_is_known_by_baseline_and_owner(register: KnownBefore, why: str | None) -> None:
    """Both, the day not over, no more of it than before, and a baseline that may be trusted; everything else counts."""
    told = register.told([OPEN])

    assert [finding for finding, _ in told.known] == ([OPEN] if why is None else [])
    if why:
        with pytest.raises(ValueError, match=why):
            raise ValueError(told.reasons)
    else:
        assert told.reasons == ""


@pytest.mark.parametrize(("at_most", "bears"), [(2, True), (1, False)])
def test_a_pattern_bears_no_more_than_somebody_looked_at(at_most: int, bears: bool) -> None:  # noqa: FBT001 - a case
    """Above its count it makes none of them known, in a verdict as where a baseline is refused: a later baseline may have more."""
    other = replace(OPEN, said="shows authenticated rows of others", count=1)
    ramp = accepted("SC-4", *RAMP.known, at_most=at_most)
    recorded = {(one.item, one.text): one.count for one in (OPEN, other)}
    told = KnownBefore(recorded, (ramp,), today=TODAY).told([OPEN])

    assert [finding for finding, _ in told.known] == ([OPEN] if bears else [])
    assert told.reasons == ("" if bears else f"a waiver bears 1 of them, and the baseline has 2 (R. Ramp): {OPEN}")
    assert unanswered_on(TODAY, [ramp])([OPEN, other]) == (() if bears else (OPEN, other))


def test_a_door_beside_a_known_one_is_new() -> None:
    """A table for another role, every row instead of some, a token that was refused before."""
    some, every = (
        Shown("public.expenses", "anon", "7", all_rows=False),
        Shown("public.expenses", "anon", "7", all_rows=True),
    )
    other = Shown("public.expenses", "authenticated", "7", all_rows=True)
    before = Strangers((every,), {}, {})

    assert judged(before, *before.findings).open_tables == 0
    assert judged(Strangers((some,), {}, {}), *before.findings).open_tables == 0
    assert judged(before, *Strangers((some,), {}, {}).findings).open_tables
    assert judged(Strangers((every, other), {}, {}), *before.findings).open == (other,)
    with pytest.raises(MeasurementFailed):  # what is not known is not known because of what is
        _ = judged(Strangers((every,), {}, {"public.profiles": "no right"}), *before.findings).open_tables


def test_a_path_beside_a_known_one_is_new() -> None:
    """By path and by token."""

    def door(path: str, *let_in: str) -> Door:
        tried = (NO_TOKEN, "a made-up token")
        right = (Attempt("its own token", 200, "application/json", 2),) * 2
        return Door(
            path, tuple(Attempt(one, 200 if one in let_in else 401, "application/json", 2) for one in tried), right
        )

    before = Access((door("GET /tickets", NO_TOKEN), door("GET /settings")))
    worse = Access((door("GET /tickets", NO_TOKEN, "a made-up token"), door("GET /settings")))

    assert judged(before, *before.findings).let_in == 0
    assert before.let_in
    assert judged(worse, *before.findings).bypasses == (
        "GET /tickets with a made-up token: HTTP 200 application/json, 2 bytes",
    )


def test_pages_and_errors_beside_known_ones_are_new() -> None:
    """A page that does not ask to sign in is known only where everything else was seen to work."""
    silent = NewSession(where="signing in again in chromium", signed_out=True, signed_in_again=True)
    errors = BehindThePages(where="pages in chromium", pages=("/",), complaints=("HTTP 500: GET /api/7",))
    other = replace(errors, complaints=("HTTP 404: GET /api/7",))
    more = replace(errors, complaints=("HTTP 500: GET /api/9", "script error: x is not a function"))
    assert other.findings != errors.findings
    assert judged(other, *errors.findings).complaints == other.complaints

    assert judged(silent, *silent.findings).asked_to_sign_in
    assert replace(silent, signed_in_again=False).findings == ()
    assert "nor can one sign in again in a new window: no button" in replace(silent, not_again="no button").outcome
    assert not judged(errors, *errors.findings).errors
    assert judged(more, *errors.findings).complaints == ("script error: x is not a function",)
    assert without_numbers("HTTP 500: GET /rows/7") == "HTTP 500: GET /rows/N"
    for words in ("a status of 404 ()", "Status code 404", "status: 404", "status code: 404", "status 404"):
        assert without_numbers(f"responded with {words}") == f"responded with {words}"
    assert without_numbers("GET /rows/0c7d0cf4-9a43-4f5e-8f0c-3f0f2a9b1c11/12") == "GET /rows/N/N"


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        ('until = 2027-01-31\nreason = "r"', "approved_by: missing, it is required"),
        ('reason = "r"\napproved_by = "R. Ramp"', "until: missing, it is required"),
        ('until = 2027-01-31\nreason = "r"\napproved_by = " "', "expected who answers for it, found nobody"),
        ('until = 2027-01-31\nreason = "r"\napproved_by = "R. Ramp"\nknown = ["*"]', "which names any"),
        (
            'until = 2027-01-31\nreason = "r"\napproved_by = "R. Ramp"\nknown = ["expenses: *"]\nat_most = 2',
            "names too much",
        ),
        (
            'until = 2027-01-31\nreason = "r"\napproved_by = "R. Ramp"\nknown = ["public.expenses: *"]',
            'known = ["public.expenses: *"], at_most = …, until, reason, approved_by',
        ),
    ],
)
def test_nobody_and_no_day_are_refused(tmp_path: Path, waiver: str, words: str) -> None:
    """With one line, before anything is sent."""
    file = tmp_path / "place.toml"
    known = "" if "known" in waiver else 'known = ["public.expenses: *"]\nat_most = 1\n'
    text = (ENVIRONMENTS / "sandbox.toml").read_text(encoding="utf-8")
    file.write_text(f'{text}\n[[waivers]]\nitem = "SC-4"\n{known}{waiver}\n', encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        load_environment(str(file), ENVIRONMENTS, {})
    assert len(refused.value.problems) == 1
    assert words in str(refused.value.problems[0])


def test_a_provisional_waiver_has_nobody_yet() -> None:
    """Nor does one that is about the whole item."""

    def waiver(owner: str, *known: str) -> Waiver:
        return Waiver(
            item="SC-4", until=TODAY, reason="r", approved_by=owner, known=known, at_most=1 if known else None
        )

    known = waiver("R. Ramp", "public.expenses: *")
    waivers = (known, waiver("provisional, to be confirmed", "public.expenses: *"), waiver("R. Ramp"))

    assert answers_in(waivers) == (known,)
    assert unanswered_on(TODAY, [known])([OPEN]) == ()
    assert unanswered_on(date(2026, 11, 28), [known])([OPEN]) == (OPEN,)
    assert unanswered_on(TODAY, waivers[1:])([OPEN]) == (OPEN,)
    assert [one.holds(TODAY) for one in waivers] == [False, False, True]
