"""What a session says beside its criteria: checklists, preflight, what was judged, and the addresses at hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.plan.checklist import ChecklistItem, Finding
from pam_rollback.plan.plan import load_plan
from pam_rollback.report import scorecard, sections, wording
from pam_rollback.report.record_parts import RemainingWays, StandingAlone, StrategyReadiness, WayFound
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import Measured, NotRun, Result, RunRecord, write
from pam_rollback.report.sections import at_hand
from pam_rollback.report.verdict import Outcome
from pam_rollback.target.environment_file import load_environment

DONE = Finding(done=True, words="all 5 steps are done")
FAILED = Finding(done=False, words="step 'tell' failed")
DENIED = (
    "[!] DUR-1 title of DUR-1: NOT DONE: step 'tell' failed; a person says otherwise (kim: fine), and what was measured counts; "
    "docs/runbook.md#checklist-before"
)
OUTCOMES = {"confirmed": Outcome.PASSED, "NOT DONE": Outcome.BROKEN_CRITERION, "NOT CONFIRMED": Outcome.UNKNOWN}


def item(identifier: str, finding: Finding | None, vouched: str = "", *, situation: str = "as-is") -> Result:
    """One item as a session records it."""
    fact = ChecklistItem.of(identifier, f"title of {identifier}", None if finding is None else lambda: finding, vouched)
    return Result(
        nodeid=f"checks/test_checklist.py::test_{identifier.lower()}",
        title="It is done",
        outcome=OUTCOMES[fact.state],
        criteria=(identifier,),
        kind="checklist",
        situation=situation,
        message=str(fact),
        runbook="docs/runbook.md#checklist-before",
        advisory=True,
        measured=(Measured(**fact.measured.row),),  # type: ignore[arg-type]
    )


def test_each_list_has_its_items(good_record: RunRecord) -> None:
    """Before, during, and what only people do; what was measured counts, whatever a person says."""
    items = (item("PRE-3", DONE), item("DUR-1", FAILED, "kim: fine"), item("CH-2", None), item("CH-5", None))

    assert sections.checklists(replace(good_record, results=items)) == [
        ("Checklist, before the rollback", ("[x] PRE-3 title of PRE-3: measured: all 5 steps are done",)),
        ("Checklist, during the rollback", (DENIED,)),
        (
            "Checklist, what only people do",
            (
                "[ ] CH-2 title of CH-2; CH-5 title of CH-5: NOT CONFIRMED: only a person can say so",
                'what nobody has confirmed, a person vouches for, for this run only: --ack ITEM="who: evidence"',
            ),
        ),
    ]


def test_an_item_that_was_never_reached_is_not_confirmed(good_record: RunRecord) -> None:
    """Its figures are missing, and its message says why."""
    broken = replace(item("DUR-1", DONE), outcome=Outcome.UNKNOWN, measured=(), message="the session ended before")
    record = replace(good_record, results=(broken,))

    [(_, entries)] = sections.checklists(record)

    assert entries[0] == "[ ] DUR-1 It is done: NOT CONFIRMED: the session ended before"


LEFT_OUT = (
    NotRun("checks/a.py::test_memory", "staging declares no metrics", ("SC-3", "MT-3")),
    NotRun("checks/b.py::test_rows", "staging declares no database", ("SC-2", "DI-1")),
    NotRun("checks/c.py::test_voice", "the contract of pam-today describes no speak, messages ([elements])", ("CR-3",)),
    NotRun("checks/d.py::test_pages[firefox]", "staging does not name firefox among its browsers", ("CR-2",)),
)


def test_each_item_says_what_would_let_it_be_judged(good_record: RunRecord) -> None:
    """One line a reason; an item of which something was judged is told apart; another browser's is nobody's question."""
    record = replace(good_record, deselected=LEFT_OUT)

    told = sections.coverage(record)
    assert told[1:] == [
        "judged in part: SC-2",
        "not judged: SC-3 MT-3: staging declares no metrics (add it to abilities of staging, when it is there)",
        "not judged: DI-1: staging declares no database (add it to abilities of staging, when it is there)",
        (
            "not judged: CR-3: the contract of pam-today describes no speak, messages ([elements]) "
            "(describe it in products/pam-today.toml, when it is there)"
        ),
    ]
    assert told[0].startswith("judged: RTO-1 SC-1 HC-3")
    assert sections.coverage_in_short(record).endswith(" judged, 1 judged in part, 4 not judged")
    shown = " ".join(" ".join(scorecard.render(record, 80, color=False, ascii_only=False)).split())
    assert "not judged: DI-1: staging declares no database" in shown


def test_what_could_not_be_measured_is_not_judged(good_record: RunRecord) -> None:
    """Also where another test of the same item was left out; an item of which one test measured nothing is judged in part."""
    first, *others = good_record.results
    blind = replace(first, outcome=Outcome.UNKNOWN, criteria=("SC-3", "RTO-1"))
    record = replace(good_record, deselected=LEFT_OUT, results=(first, *others, blind))

    told = sections.coverage(record)
    assert told[1:3] == ["judged in part: RTO-1 SC-2", "could not be measured: SC-3"]
    assert told[3].startswith("not judged: MT-3: staging declares no metrics")
    assert sections.coverage_in_short(record).endswith("2 judged in part, 1 could not be measured, 3 not judged")


def test_what_is_known_is_a_condition_of_a_success_criterion(good_record: RunRecord) -> None:
    """And is listed as not judged, with who answers for it, whatever it serves; it is no problem."""
    door = "public.expenses: shows anon rows of others, until 2027-01-31: R. Ramp"
    known = replace(good_record.results[2], outcome=Outcome.KNOWN, criteria=("SC-4", "POST-2"), message=door)
    record = replace(good_record, results=(*good_record.results[:2], known))

    assert wording.problems(record) == []
    assert f"SC-4 known before: {door}" in wording.conditions(record)
    assert wording.not_run(record)[f"known before: {door}"] == [known.nodeid]
    assert not any(line.startswith("POST-2") for line in wording.conditions(record))


READY = StrategyReadiness("feature-flag", "ready", "3 flags are there")
LOCKED = StrategyReadiness("frontend", "not ready", "the site is locked")
UNKNOWN = StrategyReadiness("backend", "not checked", "staging declares no render")


def keep(out: Path, name: str, record: RunRecord, *found: StrategyReadiness, ago: timedelta) -> None:
    """Leave a preflight behind that began so long ago."""
    begun = replace(record.started, iso=(datetime.now(UTC) - ago).isoformat(timespec="seconds"))
    write(replace(record, run_id=name, started=begun, readiness=found), out / name / "run.json", Redactor([]))


def test_what_remains_is_told_in_few_words(good_record: RunRecord) -> None:
    """All, all but a few, a few, or none."""
    names = ("feature-flag", "emergency", "frontend-restore")
    ways = (
        *(WayFound(name, ("Netlify" if "front" in name else "the product's API",), "ready", "") for name in names),
        WayFound("backend-commit", ("Render",), "not checked", "staging declares no render"),
    )
    without = (
        RemainingWays("Slack", names, "tell the team yourself"),
        RemainingWays("Netlify", names[:2]),
        RemainingWays("the product's API", names[2:]),
        RemainingWays("name resolution here", ()),
    )
    found = sections.preflight(replace(good_record, standing=StandingAlone(ways, without)))

    assert [lines for _, lines in found] == [
        (
            "[x] feature-flag: the product's API",
            "[x] emergency: the product's API",
            "[x] frontend-restore: Netlify",
            "[ ] backend-commit: Render; NOT CHECKED: staging declares no render",
        ),
        (
            "Slack: all (tell the team yourself)",
            "Netlify: all but frontend-restore",
            "the product's API: frontend-restore",
            "name resolution here: NONE",
        ),
    ]


def test_the_newest_preflight_of_the_environment_counts(tmp_path: Path, good_record: RunRecord) -> None:
    """With its age; not that of another environment, nor one that is older than a day, nor a run that was none."""
    name = good_record.environment.name
    other = replace(good_record, environment=replace(good_record.environment, name="elsewhere"))
    keep(tmp_path, "1", good_record, LOCKED, ago=timedelta(hours=3))
    keep(tmp_path, "2", good_record, READY, UNKNOWN, ago=timedelta(minutes=12))
    keep(tmp_path, "3", good_record, ago=timedelta(minutes=1))
    keep(tmp_path, "4", other, LOCKED, ago=timedelta(minutes=1))
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "run.json").write_text('{"half": ', encoding="utf-8")

    known = sections.last_known(tmp_path, environment=name)

    assert set(known) == {"feature-flag", "backend"}
    assert known["feature-flag"].startswith("yes, by the preflight of 12 min")
    assert known["backend"].startswith("NOT CHECKED, by the preflight of 12 min")
    assert known["backend"].endswith("ago (2): staging declares no render")


ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")


def test_the_addresses_are_the_plans_and_say_where_this_environment_asks_instead(tmp_path: Path) -> None:
    """Of today's product, which has no comprehensive check, the plan's address stands; one that has it elsewhere says where."""
    words = at_hand(
        PLAN, load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})
    )
    file = tmp_path / "elsewhere.toml"
    urls = "".join(f'{part} = "https://api.example.com"\n' for part in ("frontend", "api", "backend"))
    text = (
        f'name = "elsewhere"\nkind = "staging"\n[urls]\n{urls}[contract.health.comprehensive]\npath = "/health/all"\n'
    )
    file.write_text(text, encoding="utf-8")
    elsewhere = at_hand(PLAN, load_environment(str(file), ROOT / "environments", {}))

    assert "Emergency rollback (POST): https://api.wheelsandwins.com/admin/emergency-rollback;" in words
    assert "/health/comprehensive;" in words
    assert "/health/comprehensive (set here: https://api.example.com/health/all);" in elsewhere
    assert words.endswith("Status page: https://status.wheelsandwins.com")
