"""Barriers are told in words, known ones are told from new ones, and nothing that was not looked at is called fine."""

import json

import pytest

from pam_rollback.core.accessibility import (
    LOOKS,
    STATES,
    Audit,
    Audits,
    Element,
    Findings,
    FocusStop,
    FocusWalk,
    KeyboardChat,
    Known,
    Violation,
    stable,
)
from pam_rollback.core.errors import MeasurementFailed

RULES = "axe-core 4.14.1 (npm)"


def broken(*selectors: str, rule: str = "color-contrast", state: str = "chat-dark") -> Violation:
    """A rule with the elements that break it."""
    elements = tuple(Element(selector, "has 2.1:1, expected 4.5:1") for selector in selectors)
    return Violation(rule, "serious", state, elements, "Text must stand out")


def findings(*violations: Violation, rules: str = RULES) -> Findings:
    """What the rules say of the chat in the dark."""
    return Findings("chat-dark", rules, 27, violations)


def test_the_first_line_names_rules_numbers_and_page() -> None:
    """It is what a terminal shows at 3 a.m.; the elements and what is wrong with them stand below."""
    found = findings(broken("h1", "label"), broken("button", rule="button-name"))

    lines = str(found).splitlines()
    assert lines[0] == f"color-contrast (2), button-name (1) on chat-dark, by {RULES}"
    assert lines[1] == "  color-contrast on chat-dark (serious): Text must stand out"
    assert lines[2] == "    h1: has 2.1:1, expected 4.5:1"
    assert repr(found) == str(found)


def test_many_elements_are_counted_and_not_all_listed() -> None:
    """A whole page in the wrong colour is one problem."""
    text = str(findings(broken(*(f"p.a{letter}" for letter in "bcdefgh"))))

    assert "color-contrast (7)" in text
    assert "… and 2 more" in text


def test_without_a_baseline_every_barrier_is_new() -> None:
    """Nobody knows better."""
    found = findings(broken("h1"))

    assert found.new_against(None) is found


def test_what_the_baseline_has_is_not_new() -> None:
    """The rollback did not bring it about; what it did bring about is still shown, alone."""
    known = Known.of([findings(broken("h1", "label"))])

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
    assert findings(other).new_against(Known.of([findings(broken("h1"))])).violations == (other,)


def test_one_more_of_a_kind_is_new_although_its_place_is_known() -> None:
    """Counters and positions differ between two visits, so such elements are counted."""
    known = Known.of([findings(broken("#field-3", "li:nth-child(2) > p"))])

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
    known = Known.of([findings(broken("h1"), rules="axe-core 4.12.1 (bundled)")])

    assert "judged by axe-core 4.12.1 (bundled)" in str(findings(broken("h2")).new_against(known))
    assert "judged by" not in str(findings(broken("h1")).new_against(known))


def test_what_is_known_survives_a_file() -> None:
    """The baseline is kept as JSON."""
    known = Known.of([findings(broken("h1", "#field-1", "#field-2"))])

    read = Known.from_data(json.loads(json.dumps(known.as_data())))
    assert (dict(read.counts), read.rules) == (dict(known.counts), known.rules)


def test_what_the_rules_could_not_decide_is_no_barrier() -> None:
    """It is kept for a person, with the address that explains it."""
    undecided = Violation(
        "color-contrast", "serious", "chat-dark", (Element("p"),), "Text must stand out", "https://e.test/x"
    )
    found = Findings("chat-dark", RULES, 27, (), (undecided,))

    assert found.new_against(None).violations == ()
    assert "for a person to judge" in found.for_review
    assert "https://e.test/x" in found.for_review
    assert findings().for_review == ""


def test_a_state_that_could_not_be_judged_is_unknown() -> None:
    """Neither fine nor broken."""
    audits = Audits({"chat-dark": Audit("chat-dark", unmeasured="the browser gave up")})

    with pytest.raises(MeasurementFailed, match="chat-dark could not be judged: the browser gave up"):
        audits.of("chat", "dark")


def test_a_state_that_was_not_reached_says_what_was_seen() -> None:
    """And has no findings that could be called clean."""
    audit = Audits({"chat-dark": Audit("chat-dark", problem="the page is empty")}).of("chat", "dark")

    assert str(audit) == "chat-dark was not reached: the page is empty"
    assert (audit.reached, audit.barriers, audit.all_findings) == (False, None, ())


@pytest.mark.parametrize("question", ["in_motion", "focus_unseen", "focus_out_of_order", "traps"])
def test_nothing_is_said_of_all_pages_when_none_was_reached(question: str) -> None:
    """No page is no clean page."""
    audits = Audits({f"{state}-{look}": Audit(f"{state}-{look}", problem="dead") for state in STATES for look in LOOKS})

    assert audits.reached == 0
    with pytest.raises(MeasurementFailed, match="no page was reached"):
        getattr(audits, question)
    with pytest.raises(MeasurementFailed, match="no page was reached"):
        audits.too_wide("phone")


def test_findings_of_all_pages_name_theirs() -> None:
    """Only of the look that is asked for."""
    wide = broken("form", rule="reflow", state="chat-phone")
    audits = Audits(
        {
            "home-phone": Audit("home-phone", reflow=Findings("home-phone", "own", 1, ())),
            "chat-phone": Audit("chat-phone", reflow=Findings("chat-phone", "own", 0, (wide,))),
            "chat-double-size": Audit("chat-double-size", reflow=Findings("chat-double-size", "own", 1, ())),
        }
    )

    assert audits.too_wide("phone").headline == "reflow (1) on chat-phone, by own"
    assert audits.too_wide("double-size").violations == ()


def test_a_walk_names_what_is_wrong_with_each_stop() -> None:
    """Unseen, out of order, or without a way on."""
    stops = (
        FocusStop("a", "Skip", seen=True, in_order=True),
        FocusStop("b", "Menu", seen=False, in_order=True),
        FocusStop("c", "Send", seen=True, in_order=False),
    )
    walk = FocusWalk("chat-light", stops, trapped_at="c")

    assert walk.unseen.headline.startswith("focus-visible (1) on chat-light")
    assert walk.unseen.violations[0].targets == ("b",)
    assert walk.out_of_order.violations[0].targets == ("c",)
    assert walk.traps.violations[0].targets == ("c",)
    assert FocusWalk("chat-light", stops[:1]).traps.violations == ()


def test_a_page_without_a_stop_is_not_free_of_traps() -> None:
    """Nobody can use it by keyboard."""
    assert FocusWalk("chat-light", ()).traps.violations[0].rule == "keyboard"


def test_a_talk_by_keyboard_says_how_far_it_came() -> None:
    """Answered, or what happened instead."""
    answered = KeyboardChat(15, "", "Two campgrounds.", 2, ("PAM says:  Two\ncampgrounds.",))
    unheard = KeyboardChat(15, "", "Two campgrounds.", 2, ("Saved.",))
    stopped = KeyboardChat(80, "80 presses of Tab do not reach the message field")

    assert (answered.completed, answered.heard) == (True, True)
    assert (unheard.completed, unheard.heard) == (True, False)
    assert "they said Saved." in unheard.silence
    assert (stopped.completed, stopped.heard) == (False, False)
    assert str(stopped).endswith("80 presses of Tab do not reach the message field")
    assert "no live region" in KeyboardChat(15, "", "Two campgrounds.").silence


def test_an_empty_answer_is_no_answer() -> None:
    """And an empty text is in every text: it must not count as heard."""
    empty = KeyboardChat(15, "", "", 2, ("anything",))

    assert (empty.completed, empty.heard) == (False, False)
