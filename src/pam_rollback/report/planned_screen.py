"""What ``--dry-run`` shows on one screen: the steps that would be done, what would be asked, and what would not.

At most 40 lines of 80 columns. ``-v`` lists every test.
"""

from collections import Counter
from typing import Final

from pam_rollback.report import sections, terminal_page, wording
from pam_rollback.report.run_record import ActionStep, RunRecord
from pam_rollback.report.terminal_page import Page, labelled, several_labelled
from pam_rollback.report.verdict import Outcome

LINES_MAX: Final = 40
_STEPS_MAX: Final = 15
"""Steps of one action that have a line each."""
_ROOM: Final = ((_STEPS_MAX, 5, 3), (12, 3, 2), (8, 2, 1), (5, 1, 1))
"""Entries of what would be done, of a list beside it, and lines of the plan's items; tighter until it fits."""


def render(record: RunRecord, page: Page) -> list[str]:
    """The lines."""
    verdict = terminal_page.verdict(record, page)
    lines: list[str] = []
    for steps, entries, items in _ROOM:
        lines = [
            *verdict[1:],
            "",
            *several_labelled("would do", _steps(record), page, steps, 1),
            *_asked(record, page, items),
            *several_labelled("left out", _left_out(record), page, entries, 1),
            *several_labelled("conditions", wording.conditions(record), page, entries, 1),
            *_told(record, page, entries),
            *terminal_page.where(record, page),
            *verdict,
        ]
        if len(lines) <= LINES_MAX:
            break
    return lines


def _steps(record: RunRecord) -> list[str]:
    """A line for each step; of several actions one for each action."""
    actions: dict[str, list[ActionStep]] = {}
    for step in record.steps:
        actions.setdefault(step.action, []).append(step)
    if len(actions) > 1:
        return [f"{action}: {'; '.join(step.step for step in steps)}" for action, steps in actions.items()]
    return [
        f"{place} {step.step}" + (f": {step.detail}" if step.detail else "")
        for place, step in enumerate(record.steps, 1)
    ]


def _asked(record: RunRecord, page: Page, lines: int) -> list[str]:
    """How many tests of which kind would run, and which items of the plan they judge."""
    asked = [result for result in record.results if not sections.is_item(result)]
    kinds = Counter(result.kind.split(" ")[0] or result.phase or "other" for result in asked)
    text = f"{len(asked)} tests: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}" if asked else ""
    items = dict.fromkeys(item for result in asked for item in result.criteria)
    return [
        *labelled("would ask", text, page, lines=2),
        *labelled("of the plan", " ".join(items), page, lines=lines),
        *labelled("checklist", _checklist(record), page, lines=1),
    ]


def _checklist(record: RunRecord) -> str:
    items = [result for result in record.results if sections.is_item(result)]
    return f"{len(items)} items, of which some need a person's word (--ack)" if items else ""


def _left_out(record: RunRecord) -> list[str]:
    """Counts by reason, without what would run."""
    planned = {result.nodeid for result in record.results if result.outcome is Outcome.NOT_RUN}
    left = {
        reason: [name for name in names if name not in planned] for reason, names in wording.not_run(record).items()
    }
    return [f"{wording.tests(names)}: {reason}" for reason, names in left.items() if names]


def _told(record: RunRecord, page: Page, entries: int) -> list[str]:
    """What topics say of the plan."""
    return [
        line
        for heading, told in wording.told(record)
        for line in several_labelled(heading[:11], told, page, entries, 1)
    ]
