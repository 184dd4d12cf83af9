"""Two screens of at most 40 lines of 80 columns: what a decision recommends, and what ``--dry-run`` would do. ``-v`` shows all of it."""

from collections import Counter
from typing import Final

from pam_rollback.report import recommendation, sections, terminal_page, wording
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord
from pam_rollback.report.run_record import ActionStep, RunRecord
from pam_rollback.report.terminal_page import Page, command, fitted, labelled, several_labelled
from pam_rollback.report.verdict import Outcome

LINES_MAX: Final = 40
_ROOM: Final = (
    (3, True, 2, 2, 5),
    (2, True, 2, 1, 3),
    (2, True, 1, 1, 2),
    (3, False, 2, 1, 1),
    (2, False, 2, 1, 1),
    (2, False, 1, 1, 1),
    (1, False, 1, 1, 1),
)
"""Lines of a reason, whether it says where to go on, lines of a question, of a strategy that comes next, and entries of a list beside
the verdict; tighter until it fits: the figure of a reason is worth more than its link, which the page has, too."""
_FOR_REAL: Final = "--mode real"
_PRACTISED: Final = "a drill, on a sandbox of its own: this one stays as it is"
_HUES: Final = {"roll back now": "red", "consider": "yellow"}


def render(record: RunRecord, decision: DecisionRecord, page: Page) -> list[str]:
    """The lines. ``decision`` is the record's own."""
    verdict = terminal_page.verdict(record, page)
    lines: list[str] = []
    for why, links, unknown, following, entries in _ROOM:
        lines = [
            *verdict[1:],
            "",
            *_to_do(decision, page, why, following),
            *_why(decision, page, why, links),
            *_unknown(decision, page, unknown, entries),
            *_rest(record, decision, page, entries),
            *verdict,
        ]
        if len(lines) <= LINES_MAX:
            break
    return lines


def only_bad(record: RunRecord, decision: DecisionRecord, page: Page) -> list[str]:
    """For ``-q``: what to do, why, and the verdict."""
    return [
        "",
        *_to_do(decision, page, 1, 1),
        *_why(decision, page, 1, links=False),
        *terminal_page.verdict(record, page),
    ]


def _to_do(decision: DecisionRecord, page: Page, lines: int, following: int) -> list[str]:
    strategy = decision.strategy
    told = labelled("first", decision.caution, page)
    if strategy is None:
        told += labelled("that means", recommendation.meaning(decision), page)
        return told + _following(decision, page, following)
    told += [
        *labelled("do", f"{strategy.id} {strategy.name}: {strategy.title}", page, lines=min(lines, 2)),
        *(
            command("command" if _FOR_REAL in strategy.command else "practise", strategy.command, page)
            or labelled("command", "none: it is done by hand, as the runbook says", page)
        ),
        *(labelled("", _PRACTISED, page) if strategy.command and _FOR_REAL not in strategy.command else []),
        *labelled("read", strategy.runbook, page),
        *labelled("because", f"{recommendation.meaning(decision)}; it is {decision.chosen_because}", page, lines=lines),
        *labelled("recovery", f"{strategy.objective}; {strategy.past}", page, lines=min(lines, 2)),
        *labelled("ready", strategy.readiness, page, lines=min(lines, 2)),
    ]
    return told + _following(decision, page, following)


def _following(decision: DecisionRecord, page: Page, following: int) -> list[str]:
    told: list[str] = []
    for place, other in enumerate(decision.next[:following]):
        text = f"{other.id} {other.name}: {other.title}; {other.runbook}"
        told += labelled("" if place else "if not", text, page, lines=following)
    return told


def _why(decision: DecisionRecord, page: Page, lines: int, links: bool) -> list[str]:  # noqa: FBT001 - a private word
    deciding = [decision.found(name) for name in decision.why if name not in decision.unknown]
    besides = [
        one for one in decision.criteria if recommendation.is_besides(one, decision) and one.id not in decision.why
    ]
    apart = [""] if not links and deciding + besides else []
    return [*apart, *(line for one in (*deciding, *besides) for line in _criterion(one, page, lines, links))]


def _criterion(found: CriterionFound, page: Page, lines: int, links: bool) -> list[str]:  # noqa: FBT001 - as above
    said = "" if found.evidence == "measured" else f", {found.evidence}"
    text = f"{found.id} {recommendation.state(found)}{said}: {found.title}: {found.words}"
    told = fitted(text, page.width, first="  ", rest="    ", lines=lines)
    hue = _HUES[found.asks_for]
    link = fitted(found.runbook, page.width, first="    next: ", rest="    ", lines=1) if links else []
    apart = [""] if links else []
    return [*apart, told[0].replace(found.id, page.paint(found.id, hue, "bold"), 1), *told[1:], *link]


def _unknown(decision: DecisionRecord, page: Page, lines: int, entries: int) -> list[str]:
    if not decision.unknown:
        return []
    found = [decision.found(name) for name in decision.unknown]
    shown = found if len(found) <= max(entries, 2) else found[: max(entries, 2) - 1]
    told = [""]
    for place, one in enumerate(shown):
        text = f"{one.id} {one.title}: {one.words}"
        told += labelled("" if place else "not known", text, page, lines=lines)
    if len(shown) < len(found):
        told += labelled("", f"and {' '.join(one.id for one in found[len(shown) :])}: -v", page, lines=1)
    example = found[0].id
    told += labelled("answer", f'--observed {example}="who: what" if so, --ack {example}="who: evidence" if not', page)
    return told + command("add it to", decision.answer_with, page)


def _rest(record: RunRecord, decision: DecisionRecord, page: Page, entries: int) -> list[str]:
    people = [f"{one.id}: {one.words}" for one in decision.criteria if one.person_says and one.id not in decision.why]
    return [
        "",
        *labelled("not met", " ".join(one.id for one in decision.criteria if recommendation.is_clear(one)), page),
        *several_labelled("people said", people, page, entries, 1),
        *several_labelled("also", record.reasons, page, entries, 1),
        *several_labelled("conditions", wording.conditions(record), page, entries, 1),
        *terminal_page.where(record, page),
    ]


_STEPS_MAX: Final = 15
"""Steps of one action that have a line each."""
_PLAN_ROOM: Final = ((_STEPS_MAX, 5, 3), (12, 3, 2), (8, 2, 1), (5, 1, 1))
"""Entries of what would be done, of a list beside it, and lines of the plan's items; tighter until it fits."""


def planned(record: RunRecord, page: Page) -> list[str]:
    """The lines."""
    verdict = terminal_page.verdict(record, page)
    lines: list[str] = []
    for steps, entries, items in _PLAN_ROOM:
        lines = [
            *verdict[1:],
            "",
            *several_labelled("would do", _steps(record), page, steps, 1),
            *_would_ask(record, page, items),
            *several_labelled("left out", _left_out(record), page, entries, 1),
            *several_labelled("conditions", wording.conditions(record), page, entries, 1),
            *_topics(record, page, entries),
            *terminal_page.where(record, page),
            *verdict,
        ]
        if len(lines) <= LINES_MAX:
            break
    return lines


def _steps(record: RunRecord) -> list[str]:
    actions: dict[str, list[ActionStep]] = {}
    for step in record.steps:
        actions.setdefault(step.action, []).append(step)
    if len(actions) > 1:
        return [f"{action}: {'; '.join(step.step for step in steps)}" for action, steps in actions.items()]
    return [
        f"{place} {step.step}" + (f": {step.detail}" if step.detail else "")
        for place, step in enumerate(record.steps, 1)
    ]


def _would_ask(record: RunRecord, page: Page, lines: int) -> list[str]:
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
    planned = {result.nodeid for result in record.results if result.outcome is Outcome.NOT_RUN}
    left = {
        reason: [name for name in names if name not in planned] for reason, names in wording.not_run(record).items()
    }
    return [f"{wording.tests(names)}: {reason}" for reason, names in left.items() if names]


def _topics(record: RunRecord, page: Page, entries: int) -> list[str]:
    return [
        line
        for heading, told in wording.told(record)
        for line in several_labelled(heading[:11], told, page, entries, 1)
    ]
