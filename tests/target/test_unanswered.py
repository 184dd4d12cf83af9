"""What was there before and nobody answers for: told in one sentence, with one waiver that really names it."""

import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.access.access import NO_TOKEN, Access, Attempt, Door
from pam_rollback.browser.barriers import as_finding
from pam_rollback.database.row_access import Shown, Strangers
from pam_rollback.report.terminal_page import Page, quoted
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.environment_tables import Waiver
from pam_rollback.target.known_before import Finding, Judged, KnownBefore, answers_in, to_paste, waiver_for

TODAY = date(2026, 11, 28)
ENVIRONMENTS = Path(__file__).parents[2] / "environments"
BUTTONS = tuple(as_finding(("button-name", "home-light", one)) for one in (r"#radix-\\:rN\\:", 'button[type="x"] > b'))
PALE = as_finding(("color-contrast", "home-light", "p.it's"), 4)
DOORS = (Finding("SC-4", "public.a", "shows anon rows of others"), Finding("SC-4", 'public."b"', "shows anon rows"))


def before(*findings: Finding, answers: tuple[Waiver, ...] = ()) -> KnownBefore:
    """A baseline that has these."""
    return KnownBefore({(one.item, one.text): one.count for one in findings}, answers, today=TODAY)


def unanswered(fact: Judged, *findings: Finding) -> Judged:
    """The fact, where the baseline has these and nobody answers for them."""
    return fact.without(before(*findings).told(fact.findings))


def applied(advice: str, folder: Path) -> tuple[Waiver, ...]:
    """The waivers of this line, with who answers until when, as an environment's file takes them."""
    written = re.sub(
        r"; (?=\[\[waivers)",
        "\n",
        advice.partition(": ")[2].replace("]] item", "]]\nitem").replace(", known", "\nknown"),
    ).replace(", until, reason, approved_by", '\nuntil = 2026-12-31\nreason = "r"\napproved_by = "R. Ramp"')
    written = written.replace(", at_most", "\nat_most")
    file = folder / "place.toml"
    file.write_text(f"{(ENVIRONMENTS / 'sandbox.toml').read_text(encoding='utf-8')}\n{written}\n", encoding="utf-8")
    return answers_in(load_environment(str(file), ENVIRONMENTS, {}).waivers)


def test_kinds_are_counted_and_told_once() -> None:
    """How many in all, and of which kind."""
    told = before(*BUTTONS, PALE).told([*BUTTONS, PALE])

    assert told.reasons == (
        "nothing new: 6 known before, and nobody answers for them: button-name (2), color-contrast (4)"
    )
    assert told.advice.count("[[waivers]]") == 1
    assert 'known = ["button-name on *: *", "color-contrast on *: *"]' in told.advice


@pytest.mark.parametrize("found", [(*BUTTONS, PALE), DOORS, (*BUTTONS, *DOORS)], ids=["barriers", "doors", "both"])
def test_the_waiver_that_is_proposed_names_all_of_it(found: tuple[Finding, ...], tmp_path: Path) -> None:
    """A file takes it, and with it everything is known; what the baseline does not have stays new, whatever a waiver names."""
    answers = applied(before(*found).told(found).advice, tmp_path)
    new = as_finding(("button-name", "home-dark", "a"))
    told = before(*found, answers=answers).told([*found, new])

    assert [finding for finding, _ in told.known] == list(found)
    assert list(told.why) == [new]
    assert told.unanswered == ()
    assert told.advice == ""


def test_what_is_no_kind_is_named_by_its_own_text() -> None:
    """A door, an error, an illness: each is named by whoever has looked at it. What has backslashes or quotes is TOML, too."""
    advice = before(*DOORS).told(DOORS).advice
    literal = waiver_for("SC-4", [one.text for one in (*BUTTONS, PALE)], 3)

    assert """known = ["public.a: shows anon rows of others", 'public."b": shows anon rows']""" in advice
    listed = tomllib.loads(literal.partition(", ")[2].partition(", at_most")[0])
    assert listed["known"] == [one.text for one in (*BUTTONS, PALE)]


def test_the_tool_is_named_where_another_found_the_baselines() -> None:
    """The same in both says nothing; another version may find more."""
    found = replace(PALE, by="rules 2")
    recorded = {(PALE.item, PALE.text): PALE.count}

    same = KnownBefore(recorded, found_by={"CR-4": "rules 2, own rules"}).told([found])
    other = KnownBefore(recorded, found_by={"CR-4": "rules 21, own rules"}).told([found])

    assert "rules" not in same.reasons
    assert other.reasons.endswith("; found by rules 2, those of the baseline by rules 21, own rules")


def test_nobody_says_nothing_new_of_what_was_not_seen() -> None:
    """A table or a path that could not be asked may be open since."""
    shown = (Shown("public.a", "anon", "7", all_rows=False), Shown("public.c", "anon", "9", all_rows=False))
    strangers = Strangers(shown[:1], {}, {})
    let_in = Attempt(NO_TOKEN, 200, "application/json", 2)
    right = (Attempt("its own token", 200, "application/json", 2),) * 2
    door = Door("GET /tickets", (let_in,), right)
    access = Access((door,))
    blind = Access((door, Door("GET /settings", (Attempt(NO_TOKEN, 502, "", 0),), right)))

    assert "nothing new: 1 known" in str(unanswered(strangers, *strangers.findings))
    assert "nothing new: 1 known" in str(unanswered(access, *access.findings))
    for fact, why in (
        (replace(strangers, unknown={"public.b": "no right"}), "not known of public.b: no right (1 known before"),
        (blind, "not known of GET /settings"),
        (replace(strangers, shown=shown), "public.c shows anon"),
    ):
        said = str(unanswered(fact, *(strangers.findings or ()), *access.findings))
        assert why in said
        assert "nothing new" not in said


def test_what_is_pasted_is_taken_and_counts_only_with_an_owner() -> None:
    """As lines of TOML on a terminal of 80 columns, with a day; nobody has accepted it until somebody is named."""
    known = ["GET /a: lets in * " * 5, 'b "c", known = [d']
    lines = to_paste("IR-1", known, 3, date(2026, 12, 1))
    shown = [part for line in lines for part in quoted(line, Page(80, color=False))]
    [read] = tomllib.loads("\n".join(shown))["waivers"]

    assert (read["item"], read["at_most"], read["until"]) == ("IR-1", 3, date(2027, 3, 1))
    assert read["known"] == known
    assert read["approved_by"].startswith("provisional")
