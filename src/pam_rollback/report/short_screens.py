"""Two screens of at most 40 lines of 80 columns: what a decision recommends, and what ``--dry-run`` would do. ``-v`` shows all of it."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from pam_rollback.report import recommendation, sections, terminal_page, wording
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord
from pam_rollback.report.run_record import ActionStep, RunRecord
from pam_rollback.report.terminal_page import Page, Part, command, labelled, several_labelled
from pam_rollback.report.verdict import Outcome

LINES_MAX: Final = 40
_FOR_REAL: Final = "--mode real"
_PRACTISED: Final = "a drill, on a sandbox of its own: this one stays as it is"
_HUES: Final = {"roll back now": "red", "consider": "yellow"}


def decided(record: RunRecord, decision: DecisionRecord, page: Page, *, only_bad: bool) -> list[Part]:
    """The parts. ``decision`` is the record's own; ``only_bad``: what to do, why, and the verdict."""
    verdict = terminal_page.verdict(record, page)
    deciding = [decision.found(name) for name in decision.why if name not in decision.unknown]
    besides = [
        one for one in decision.criteria if recommendation.is_besides(one, decision) and one.id not in decision.why
    ]
    why = [Part(_criterion_forms(one, page, first=not place)) for place, one in enumerate((*deciding, *besides))]
    to_do = Part([["", *_to_do(decision, page, *form)] for form in ((3, 2), (2, 2), (2, 1), (1, 1))])
    if only_bad:
        return [Part(one.forms[-1:], urgency=0) for one in (to_do, *why, Part([verdict]))]
    return [
        Part([verdict[1:]], urgency=0),
        to_do,
        *why,
        Part([_unknown(decision, page, *form) for form in ((2, 5), (2, 2), (1, 2))]),
        Part([_rest(record, decision, page, most) for most in (5, 3, 2, 1)], urgency=2),
        *terminal_page.where(record, page),
        Part([verdict], urgency=0),
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


def _criterion_forms(found: CriterionFound, page: Page, *, first: bool) -> list[list[str]]:
    short = [_criterion(found, page, lines, "", [""] if first else []) for lines in (2, 1)]
    return [*(_criterion(found, page, lines, found.runbook, [""]) for lines in (3, 2)), *short]


def _criterion(found: CriterionFound, page: Page, lines: int, link: str, apart: Sequence[str]) -> list[str]:
    said = "" if found.evidence == "measured" else f", {found.evidence}"
    text = f"{found.id} {recommendation.state(found)}{said}: {found.title}: {found.words}"
    first, *others = page.wrapped(text, lines=lines)
    named = page.paint(found.id, _HUES[found.asks_for], "bold")
    return [
        *apart,
        first.replace(found.id, named, 1),
        *others,
        *page.wrapped(link, first="    next: ", lines=1),
    ]


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
    ]


def planned(record: RunRecord, page: Page, *, only_bad: bool) -> list[Part]:
    """The parts; ``only_bad``: the verdict alone."""
    verdict = terminal_page.verdict(record, page)
    if only_bad:
        return [Part([verdict])]

    def listed(label: str, entries: Sequence[str], forms: Sequence[int] = (5, 3, 1)) -> Part:
        return Part([several_labelled(label, entries, page, most, 1) for most in forms])

    return [
        Part([[*verdict[1:], ""]], urgency=0),
        listed("would do", _steps(record), (15, 12, 8, 5)),
        Part([_would_ask(record, page, lines) for lines in (3, 2, 1)]),
        listed("left out", _left_out(record)),
        listed("conditions", wording.conditions(record)),
        *(listed(heading[:11], told) for heading, told in wording.told(record)),
        *terminal_page.where(record, page),
        Part([verdict], urgency=0),
    ]


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
