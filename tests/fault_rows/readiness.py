"""What turns the checks of readiness red: records, settings and answers that are not as they should be.

Each changes a text of the healthy scene (tests/readiness/scene.py). They do not meet: one session shows them all.
"""

from dataclasses import dataclass

from tests.fault_rows.row import Row

PROVEN_BY = "tests/readiness/test_checks_catch_faults.py"
DRILLED = "test_question_has_no_gap[PM-10]"
RUNBOOK = "test_question_has_no_gap[PM-11]"
ON_CALL = "test_question_has_no_gap[PM-12]"
POSTMORTEMS = "test_question_has_no_gap[PM-13]"
CAUSES = "test_question_has_no_gap[RP-1]"
BY_A_PERSON = "test_a_person_answers_for_it"


@dataclass(frozen=True)
class ReadinessRow(Row):
    """One text of one file of the scene is another one."""

    file_changed: str = ""
    old: str = ""
    new: str = ""

    @property
    def planted(self) -> str:
        """What is not as it should be."""
        return f"{self.file_changed}: {_line(self.old)} becomes {_line(self.new)}"


def _line(text: str) -> str:
    return " ".join(text.split()) or "nothing"


def _row(identifier: str, file: str, old: str, new: str, words: str, *red: str) -> ReadinessRow:
    return ReadinessRow(
        identifier,
        "",
        frozenset(red),
        words,
        select="readiness",
        elsewhere=PROVEN_BY,
        file_changed=file,
        old=old,
        new=new,
    )


TOGETHER: list[ReadinessRow] = [
    _row(
        "drills-too-old",
        "drills.json",
        '"started": {"iso": "<iso -1 d>"',
        '"started": {"iso": "<iso -40 d>"',
        "no drill ended with GO in the last",
        DRILLED,
    ),
    _row(
        "drill-failed",
        "later-drill.json",
        '"INCONCLUSIVE"',
        '"NO-GO"',
        "feature-flag: the newest drill failed",
        DRILLED,
    ),
    _row("runbook-page-missing", "runbook.md", '<a id="contacts"></a>', "", "no page for EC-1, EC-2", RUNBOOK),
    _row("runbook-not-reviewed", "plan.toml", "<day -1 d>", "<day -60 d>", "and again due on", RUNBOOK),
    _row("nobody-on-call", "on-call.ics", "RRULE:FREQ=DAILY\r\n", "", "nobody from", ON_CALL),
    _row(
        "postmortem-unfinished",
        "a.md",
        "Finished (UTC): <iso -19 d>",
        "Finished (UTC): _For people to fill in._",
        "a.md is not filled in",
        POSTMORTEMS,
    ),
    _row("postmortem-missing", "c.md", "run-c", "run-x", "run-c: has none", POSTMORTEMS, CAUSES),
    _row("root-cause-late", "b.md", "<iso -479 h>", "<iso -470 h>", "root causes of real rollbacks: run-b", CAUSES),
]
"""Planted together in one session."""
ROWS: list[Row] = [*TOGETHER]
