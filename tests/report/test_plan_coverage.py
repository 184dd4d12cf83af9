"""What was judged, what was left out and what would let it be judged, by item of the plan."""

from dataclasses import replace

from pam_rollback.report import scorecard, sections, wording
from pam_rollback.report.run_record import NotRun, RunRecord
from pam_rollback.report.verdict import Outcome

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
