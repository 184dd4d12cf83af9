"""Known barriers are told from new ones."""

import json

import pytest

from pam_rollback.core.barriers import Violation, made_known
from pam_rollback.core.known_barriers import Known, stable
from tests.core.found_barriers import broken, findings


def test_without_a_baseline_every_barrier_is_new() -> None:
    """Nobody knows better."""
    found = findings(broken("h1"))

    assert found.new_against(None) is found


def test_what_the_baseline_has_is_not_new() -> None:
    """The rollback did not bring it about; what it did bring about is still shown, alone."""
    known = made_known([findings(broken("h1", "label"))])

    assert findings(broken("h1", "label")).new_against(known).violations == ()
    new = findings(broken("h1", "label", "p.lead"), broken("button", rule="button-name")).new_against(known)
    assert [(violation.rule, violation.targets) for violation in new.violations] == [
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
    assert findings(other).new_against(made_known([findings(broken("h1"))])).violations == (other,)


def test_one_more_of_a_kind_is_new_although_its_place_is_known() -> None:
    """Counters and positions differ between two visits, so such elements are counted."""
    known = made_known([findings(broken("#field-3", "li:nth-child(2) > p"))])

    assert findings(broken("#field-7", "li:nth-child(9) > p")).new_against(known).violations == ()
    new = findings(broken("#field-7", "#field-8")).new_against(known)
    assert new.violations[0].targets == ("#field-7", "#field-8")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("#field-3 > p", "#field-N > p"),
        (r"#\:r12\: .card2", r"#\:rN\: .card2"),
        ("li:nth-child(12) > a", "li:nth-child(N) > a"),
        ("p.grid-12", "p.grid-12"),
    ],
)
def test_what_differs_between_two_visits_is_no_part_of_a_key(selector: str, expected: str) -> None:
    """Ids are counted up by many libraries; classes are written by people."""
    assert stable(selector) == expected


def test_other_rules_are_named_when_they_find_something_new() -> None:
    """A newer axe-core may know a rule more; whoever reads it has to know."""
    known = made_known([findings(broken("h1"), rules="axe-core 4.12.1 (bundled)")])

    assert "judged by axe-core 4.12.1 (bundled)" in str(findings(broken("h2")).new_against(known))
    assert "judged by" not in str(findings(broken("h1")).new_against(known))


def test_what_is_known_survives_a_file() -> None:
    """The baseline is kept as JSON."""
    known = made_known([findings(broken("h1", "#field-1", "#field-2"))])

    read = Known.from_data(json.loads(json.dumps(known.as_data())))
    assert (dict(read.counts), read.rules) == (dict(known.counts), known.rules)
