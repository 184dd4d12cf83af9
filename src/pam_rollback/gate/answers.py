"""What the gate found, a line for each of its questions: the same lines in the terminal and in the job summary."""

from collections.abc import Iterator, Sequence
from typing import Final

from pam_rollback.report import wording
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.verdict import Outcome

HEADING: Final = "May it be deployed again?"
_PHASE: Final = "redeploy_gate"
_BY_FILE: Final = {
    "checks/integrity/": "the data is whole",
    "checks/test_journeys.py": "journeys in browsers",
    "checks/test_accessibility.py": "accessibility",
    "checks/test_exposure.py": "access",
    "checks/test_preflight.py": "a rollback is ready",
    "load/test_load.py": "under load",
}
_BY_CRITERION: Final = {
    "GA-": "the candidate's own tests",
    "PM-1": "new features are behind flags",
    "RP-2": "the incident stays away",
    "PM-10": "a rollback is ready",
}
_MIGRATIONS: Final = "migrations can be taken back"
_OTHER_BROWSER: Final = " among its browsers"
"""The end of the reason why a test was left out that is about a browser that nobody asks for."""
_SIGNS: Final = {Outcome.PASSED: "[x]", Outcome.BROKEN_CRITERION: "[!]"}


def paragraphs(record: RunRecord) -> list[wording.Paragraph]:
    """One line a question, with the reason where the answer is not yes; nothing when this was no gate."""
    if record.scope != _PHASE or record.verdict == "PLANNED":
        return []
    by_question: dict[str, list[Result]] = {}
    for result in record.results:
        if not result.advisory:
            by_question.setdefault(_question(result), []).append(result)
    lines = [_line(question, results) for question, results in by_question.items()]
    unasked: dict[str, int] = {}
    for one in record.deselected:
        if not one.reason.endswith(_OTHER_BROWSER):
            unasked[one.reason] = unasked.get(one.reason, 0) + 1
    lines += [
        f"[ ] {count} more question{'s' if count > 1 else ''}: NOT ASKED: {reason}" for reason, count in unasked.items()
    ]
    return [(HEADING, tuple(lines))]


def _question(result: Result) -> str:
    by_file = next((question for file, question in _BY_FILE.items() if result.nodeid.startswith(file)), "")
    if by_file:
        return by_file
    exact = next((_BY_CRITERION[one] for one in result.criteria if one in _BY_CRITERION), "")
    return exact or next((_BY_CRITERION["GA-"] for one in result.criteria if one.startswith("GA-")), _MIGRATIONS)


def _line(question: str, results: Sequence[Result]) -> str:
    bad = sorted((one for one in results if one.outcome not in {Outcome.PASSED, Outcome.KNOWN}), key=_badness)
    if not bad:
        return f"[x] {question}: {len(results)} of {len(results)}"
    sign = _SIGNS.get(bad[0].outcome, "[ ]")
    word = "NO" if bad[0].outcome is Outcome.BROKEN_CRITERION else "NOT KNOWN"
    said = "; ".join(dict.fromkeys(_reasons(bad)))
    return f"{sign} {question}: {word}, {len(results) - len(bad)} of {len(results)}: {said}"


def _reasons(bad: Sequence[Result]) -> Iterator[str]:
    """Those of the worst kind; of one cause that met several tests, one."""
    worst = [one for one in bad if one.outcome is bad[0].outcome]
    for one in worst[:3]:
        yield wording.said(one)
    if len(worst) > 3:  # noqa: PLR2004 - as above
        yield f"and {len(worst) - 3} more"


def _badness(result: Result) -> int:
    return 0 if result.outcome is Outcome.BROKEN_CRITERION else 1
