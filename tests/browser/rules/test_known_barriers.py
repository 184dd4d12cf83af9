"""Known barriers are told from new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from pam_rollback.browser.barriers import Element, Findings, Violation, stable
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin import fixtures as scoring
from pam_rollback.target.known_before import Finding, KnownBefore
from tests.browser.rules.found_barriers import broken, findings
from tests.plan.plan_scene import body
from tests.waivers import accepted

PLAN = load_plan(Path(__file__).parents[3] / "plan.toml")


def recorded(*found: Findings) -> tuple[Finding, ...]:
    """What a baseline has of them, as its index keeps it."""
    return tuple(one.kept for findings in found for one in findings.findings)


def new(found: Findings, before: Sequence[Finding]) -> Findings:
    """What is new of it, where somebody answers for all that the baseline has."""
    counts = {(one.item, one.text): one.count for one in before}
    everything = accepted("CR-4", *(one.text for one in before), *(one.named for one in found.findings))
    placed = {(one.item, one.place): one.text for one in before if one.place}
    told = KnownBefore(counts, (everything,), today=date(2026, 11, 27), placed=placed).told(found.findings)
    return found.without(told)


@pytest.mark.parametrize("problem", ["", "it is stale"])
def test_what_a_baseline_has_is_known(problem: str) -> None:
    """As far as somebody answers for it; another version of the rules is named. One that is refused makes nothing known, and says so."""

    def refuse(*_: object) -> None:
        if problem:
            raise MeasurementFailed(problem)

    before, after = (replace(findings(broken("h1", "p")), rules=f"axe-core {version}") for version in (1, 2))
    moved = Violation("image-alt", "serious", "chat-light", (Element(".b", path="html > img"),), "A picture has a text")
    named = replace(moved, elements=(Element(".a", path="html > img"),))
    stored = SimpleNamespace(
        red=(),
        found=[one.kept for one in (*before.findings, *findings(named).findings)],
        origin=SimpleNamespace(release=""),
        ill=lambda _: (),
        refuse_ill=lambda _: None,
        refuse_stale=refuse,
    )
    answers = accepted("CR-4", "color-contrast on *: h1", "image-alt on *: *", until=date(2099, 1, 1), at_most=9)
    runbook = SimpleNamespace(stored=stored, environment=SimpleNamespace(waivers=[answers]), plan=PLAN)
    known = body(scoring.known_before)(runbook.environment, runbook, SimpleNamespace(frontend="", backend=""))

    told = known.told([*after.findings, *findings(moved).findings])

    assert [one.said for one, _ in told.known] == ([] if problem else ["h1", ".b"])
    assert ("it is stale" in told.reasons) is bool(problem)
    assert "found by axe-core 2, those of the baseline by axe-core 1" in told.reasons


def test_what_the_baseline_has_is_not_new() -> None:
    """The rollback did not bring it about; what it did bring about is still shown, alone."""
    known = recorded(findings(broken("h1", "label")))

    assert new(findings(broken("h1", "label")), known).violations == ()
    left = new(findings(broken("h1", "label", "p.lead"), broken("button", rule="button-name")), known)
    assert [(violation.rule, violation.targets) for violation in left.violations] == [
        ("color-contrast", ("p.lead",)),
        ("button-name", ("button",)),
    ]


@pytest.mark.parametrize(
    "other",
    [broken("h1", rule="image-alt"), broken("h1", state="chat-light"), broken("h2")],
    ids=["rule", "state", "element"],
)
def test_a_barrier_is_known_by_rule_state_and_element(other: Violation) -> None:
    """Readable in the light says nothing of the dark."""
    assert new(findings(other), recorded(findings(broken("h1")))).violations == (other,)


def test_one_more_of_a_kind_is_new_although_its_place_is_known() -> None:
    """Counters and positions differ between two visits, so such elements are counted."""
    known = recorded(findings(broken("#field-3", "li:nth-child(2) > p")))

    assert new(findings(broken("#field-7", "li:nth-child(9) > p")), known).violations == ()
    left = new(findings(broken("#field-7", "#field-8")), known)
    assert left.violations[0].targets == ("#field-7", "#field-8")
    assert "more of it than before, 2 instead of 1" in str(left)


PIE = {"path[name=tolls]": "svg > g:nth-child(1) > path", "path[name=fuel]": "svg > g:nth-child(2) > path"}


def sectors(named: Mapping[str, str]) -> Findings:
    """Parts of a diagram without a text, each by the name that axe-core gave it and by its place."""
    elements = tuple(Element(selector, path=path) for selector, path in named.items())
    return findings(Violation("svg-img-alt", "serious", "chat-dark", elements, "A picture has a text"))


def test_an_element_is_known_by_its_place_when_it_has_another_name() -> None:
    """axe-core names it by what is rare on the page at that moment."""
    known = recorded(sectors(PIE))
    renamed = {f".sector{name.removeprefix('path')}": path for name, path in PIE.items()}
    one_renamed = dict([*list(PIE.items())[:1], *list(renamed.items())[1:]])

    assert new(sectors(renamed), known).violations == ()
    assert new(sectors(one_renamed), known).violations == ()


@pytest.mark.parametrize(
    "more",
    [{".sector[fill='#2']": "svg > g:nth-child(3) > path"}, {".sector[fill='#2']": "svg > a > path"}],
    ids=["beside them", "another place"],
)
def test_an_element_more_is_new_whatever_its_name(more: Mapping[str, str]) -> None:
    """Beside those of before or instead of them; also in a baseline from before there were paths."""
    known = recorded(sectors(PIE))

    assert new(sectors({**PIE, **more}), known).violations[0].targets == tuple(more)
    assert new(sectors({**more}), known).violations[0].targets == tuple(more), "although the others are gone"
    assert new(sectors({**more}), [replace(one, place="") for one in known]).violations[0].targets == tuple(more)


def test_a_new_element_is_new_in_the_place_of_one_that_moved() -> None:
    """As a button before the others of a row: the one that was there is found by its name, further on."""
    known = recorded(sectors(PIE))
    places = [*PIE.values(), "svg > g:nth-child(3) > path"]

    left = new(sectors(dict(zip([".sector", *PIE], places, strict=True))), known)
    assert [violation.targets for violation in left.violations] == [(".sector",)]


def test_new_barriers_are_named_one_by_one_before_known_ones() -> None:
    """Rules and their version are told where the baseline has another one's, or where there is no baseline at all."""
    before = KnownBefore({("CR-4", "color-contrast on chat-dark: h1"): 1}, today=date(2026, 11, 27))
    same, beside = findings(broken("h1")), findings(broken("h1", "p"), broken("img", rule="image-alt"))

    assert same.without(before.told(same.findings)).headline == (
        "chat-dark: nothing new: 1 known before, and nobody answers for it: color-contrast (1)"
    )
    assert beside.without(before.told(beside.findings)).headline == (
        "new: color-contrast on chat-dark: p; image-alt on chat-dark: img "
        "(1 known before, and nobody answers for it: color-contrast (1))"
    )
    assert same.without(KnownBefore().told(same.findings)).headline == same.headline
    refused = replace(before, refused="it is stale").told(same.findings)
    over = replace(before, answers=(accepted("CR-4", "color-contrast on *: *", until=date(2026, 11, 26)),)).told(
        same.findings
    )
    assert same.without(refused).headline == f"{same.headline} (it is stale)"
    assert same.without(over).headline == (
        "chat-dark: known until 2026-11-26, and that day is over (R. Ramp): color-contrast (1)"
    )


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("#field-3 > p", "#field-N > p"),
        (r"#\:r12\: .card2", r"#\:rN\: .card2"),
        (r"#radix-\:r1b\:-trigger-trip-planner", r"#radix-\:rN\:-trigger-trip-planner"),
        (r"#radix-\:rc\:-trigger", r"#radix-\:rN\:-trigger"),
        ("#«r3k»", "#«rN»"),
        ("#_r_3k_", "#_r_N_"),
        ("#order-form_r", "#order-form_r"),
        (".text-xs.mt-1 > span", ".mt-1.text-xs > span"),
        (r".hover\:b.a\.5.a > b.z", r".a.a\.5.hover\:b > b.z"),
        ('.b.a[href="x.d.c"]', '.a.b[href="x.d.c"]'),
        ("li:nth-child(12) > a", "li:nth-child(N) > a"),
        ("p.grid-12", "p.grid-12"),
    ],
)
def test_what_differs_between_two_visits_is_no_part_of_a_key(selector: str, expected: str) -> None:
    """Ids are counted up by many libraries; classes are written by people."""
    assert stable(selector) == expected
