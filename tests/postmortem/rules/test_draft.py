"""The draft of a post-mortem: facts with their sources, nothing guessed, what is not known says so."""

from datetime import UTC, datetime, timedelta

from pam_rollback.postmortem.rules.draft import checks_page, draft, timeline_page
from pam_rollback.postmortem.rules.facts import Action, Collected, Facts, MomentKnown
from pam_rollback.postmortem.rules.timeline import Event
from pam_rollback.report.run_record import Measured, Result
from pam_rollback.report.verdict import Outcome

AT = datetime(2026, 11, 25, 2, 40, 0, 123456, tzinfo=UTC)
BARE = Facts(
    run="r1",
    situation="",
    environment="production",
    host="",
    record=None,
    no_record="the session ended before it wrote run.json",
    results=(),
    results_source="allure-results",
    action=None,
    moments=(),
    users=(),
    users_when="nobody's answers were recorded",
    events=(),
    unfinished=(),
    changes=(),
    flags=(),
    collected=(),
)


def test_nothing_known_is_said_everywhere() -> None:
    """No section is left away, and none looks as if all were well."""
    page = draft(BARE)

    assert "verdict | none: the session ended before it wrote run.json" in page
    assert "no rollback was begun in this run" in page
    assert "not known (the session ended before it wrote run.json)" in page
    assert "Not known from this run: nobody's answers were recorded." in page
    assert "Nothing, by the journal." in page
    assert "passed" not in page
    assert "| incident |" not in page


def test_each_fact_names_its_source() -> None:
    """Times in UTC, whatever zone they came in."""
    zone = datetime.fromisoformat("2026-11-25T03:40:00.5+01:00")
    facts = Facts(
        **{
            **vars(BARE),
            "issue": "https://github.example/wheels/incidents/issues/4",
            "action": Action("backend-provider", "real", "errors | many", "ann", ("back end: dep-1",), "journal.jsonl"),
            "moments": (
                MomentKnown("onset", zone, 1.0, "the first bad answer", "timeline.jsonl"),
                MomentKnown("detection", None, None, "who told you?", "-"),
            ),
            "results": (
                Result(
                    "t",
                    "In time.",
                    Outcome.BROKEN_CRITERION,
                    ("RTO-3",),
                    measured=(Measured("recovery", "600 s", 700.0, "s"),),
                ),
            ),
            "events": (
                Event(AT, "step", "done: a: b", "journal.jsonl"),
                Event(AT, "told", "EM-1 by slack: hello", "journal.jsonl"),
            ),
            "unfinished": ("run the target",),
            "changes": ("ab12 2026-11-24 ann: Faster",),
            "flags": (("A", "on", "off"),),
            "users": (("history", 3, 4),),
            "users_when": "from onset to mitigation",
            "collected": (Collected("logs", ("logs/backend.log",)), Collected("metrics", (), "not declared")),
        }
    )
    page = draft(facts)

    assert "| onset | 2026-11-25 02:40:00.500 | ± 1.00 s | the first bad answer | timeline.jsonl |" in page
    assert "| detection | not known |  | who told you? | - |" in page
    assert "| incident | https://github.example/wheels/incidents/issues/4 | journal.jsonl |" in page
    assert "| reason given | errors \\| many | journal.jsonl |" in page
    assert "| RTO-3 | recovery | 600 s | 700 s | broken criterion | allure-results |" in page
    assert "| history | 3 | 4 | 75.0 % | timeline.jsonl |" in page
    assert "**begun, and its end is not known** (the session was killed): run the target" in page
    assert "People were told: 2026-11-25 02:40:00.123 EM-1 by slack." in page
    assert "- `ab12 2026-11-24 ann: Faster`" in page
    assert "| A | on | off |" in page
    assert "- logs: [logs/backend.log](logs/backend.log)" in page
    assert "Not collected:\n\n- metrics: not declared" in page


def test_judgement_is_never_filled_in() -> None:
    """Two moments, five sections and a table wait for people."""
    page = draft(BARE)

    assert page.count("_For people to fill in._") == 7
    assert "|  |  |  |  |" in page


def test_pages_are_tables() -> None:
    """What would break a row is kept out of it."""
    later = AT + timedelta(seconds=1)
    page = timeline_page([Event(AT, "step", "a | b\nc", "j"), Event(later, "users", "d", "t")])

    assert "| 2026-11-25 02:40:00.123 | step | a \\| b c | j |" in page
    checks = checks_page([Result("a", "Good.", Outcome.PASSED), Result("b", "Bad.", Outcome.UNKNOWN, message="why")])
    assert checks.index("could not measure") < checks.index("passed")
