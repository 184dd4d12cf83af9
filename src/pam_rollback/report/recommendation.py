"""The recommendation of a decision session in words: the same paragraphs with ``-v``, in the job summary and in the report.

And the screen of a decision, of at most 40 lines: what to do first.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pam_rollback.core.outside_text import cut
from pam_rollback.report import terminal_page, wording
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord, StrategyAdvised
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.terminal_page import Page, Part, command, labelled, several_labelled

_DO: Final = {
    "ROLL BACK NOW": 'a criterion of the plan\'s list "roll back now" is met',
    "CONSIDER A ROLLBACK": "nothing asks for a rollback at once; something asks for a decision by a person",
    "WATCH": "nothing asks for a rollback yet; something is on its way there: look again in a few minutes",
    "NOT KNOWN": "nothing that was measured asks for a rollback, and not everything is known: this is no all-clear",
    "NO ROLLBACK": "every criterion of both lists was measured or answered for, and none is met",
}

_NOT_MET: Final = "does not hold"
_STATES: Final = {"holds": "is met", _NOT_MET: "is not met"}
_LONGEST: Final = 240
"""Of a sentence about what is not known; all of it stands with the problems."""

Paragraph = tuple[str, tuple[str, ...]]


def headline(decision: DecisionRecord) -> str:
    """What to do, in one line."""
    return f"{decision.recommendation}: {meaning(decision)}"


def meaning(decision: DecisionRecord) -> str:
    """What the recommendation says of the plan's two lists."""
    return _DO[decision.recommendation]


def paragraphs(decision: DecisionRecord) -> list[Paragraph]:
    """Heading and entries, the most urgent first."""
    found = [
        ("What to do", tuple(_what_to_do(decision))),
        (
            "Why",
            tuple(
                _told(decision.found(identifier)) for identifier in decision.why if identifier not in decision.unknown
            ),
        ),
        ("Also found", tuple(_told(found) for found in decision.criteria if is_besides(found, decision))),
        ("If that does not help", tuple(_next(strategy) for strategy in decision.next)),
        ("Not known, and how to answer", tuple(_questions(decision))),
        ("What people said", tuple(_told(found) for found in decision.criteria if found.person_says)),
        ("Not met", tuple(_not_met(decision))),
    ]
    return [(heading, entries) for heading, entries in found if entries]


def recommended(record: RunRecord) -> list[Paragraph]:
    """The same of a session; nothing of one that recommends nothing."""
    return [] if record.decision is None else paragraphs(record.decision)


def as_text(decision: DecisionRecord) -> str:
    """All of it, for a file."""
    blocks = [headline(decision)]
    blocks += ["\n".join([heading, *(f"  {entry}" for entry in entries)]) for heading, entries in paragraphs(decision)]
    return "\n\n".join(blocks) + "\n"


def _what_to_do(decision: DecisionRecord) -> Iterable[str]:
    yield headline(decision)
    strategy = decision.strategy
    if decision.caution:
        yield f"before anything else: {decision.caution}"
    if strategy is None:
        return
    yield f"begin with {_named(strategy)}"
    yield f"because it is {decision.chosen_because}"
    yield f"the plan uses it for: {', '.join(strategy.when_to_use)}"
    yield f"recovery: {strategy.objective}; {strategy.past}"
    yield f"ready: {strategy.readiness}"
    way = f"; {strategy.way}" if strategy.way else ""
    yield f"how: {strategy.command or 'by hand, there is no story for it yet'}{way}; {strategy.runbook}"


def _next(strategy: StrategyAdvised) -> str:
    return (
        f"{_named(strategy)}; used for: {', '.join(strategy.when_to_use)}; recovery: {strategy.objective}, {strategy.past}; "
        f"ready: {strategy.readiness}; {strategy.runbook}"
    )


def _named(strategy: StrategyAdvised) -> str:
    return f"{strategy.id} {strategy.name}: {strategy.title}"


def _told(found: CriterionFound) -> str:
    return (
        f"{found.id} ({found.asks_for}) {state(found)}, {found.evidence}: {found.title}: {found.words}; {found.runbook}"
    )


def state(found: CriterionFound) -> str:
    """Whether it is met, or what is recommended of a gap. The record says "holds", which reads like good news."""
    return _STATES.get(found.state, found.state)


def is_besides(found: CriterionFound, decision: DecisionRecord) -> bool:
    """Met, or between the criteria, and not what decided."""
    return found.id not in {*decision.why, *decision.unknown} and not is_clear(found)


def is_clear(found: CriterionFound) -> bool:
    """Measured, or vouched for, and not met."""
    return found.state == _NOT_MET


def _questions(decision: DecisionRecord) -> Iterable[str]:
    for identifier in decision.unknown:
        found = decision.found(identifier)
        yield f"{identifier} ({found.asks_for}) {found.title}: {cut(found.words, _LONGEST)}"
        yield f'--observed {identifier}="who: what" if it is so; --ack {identifier}="who: evidence" if it is not'
    if decision.unknown:
        yield f"add the answers to: {decision.answer_with}"


def _not_met(decision: DecisionRecord) -> Iterable[str]:
    clear = [found for found in decision.criteria if is_clear(found)]
    if clear:
        yield ", ".join(f"{found.id} {found.title}" for found in clear)


_FOR_REAL: Final = "--mode real"
_PRACTISED: Final = "a drill, on a sandbox of its own: this one stays as it is"
_HUES: Final = {"roll back now": "red", "consider": "yellow"}


def screen(record: RunRecord, decision: DecisionRecord, page: Page, *, only_bad: bool) -> list[Part]:
    """The parts. ``decision`` is the record's own; ``only_bad``: what to do, why, and the verdict."""
    verdict = terminal_page.verdict(record, page)
    deciding = [decision.found(name) for name in decision.why if name not in decision.unknown]
    besides = [one for one in decision.criteria if is_besides(one, decision) and one.id not in decision.why]
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
        told += labelled("that means", meaning(decision), page)
        return told + _following(decision, page, following)
    told += [
        *labelled("do", f"{strategy.id} {strategy.name}: {strategy.title}", page, lines=min(lines, 2)),
        *(
            command("command" if _FOR_REAL in strategy.command else "practise", strategy.command, page)
            or labelled("command", "none: it is done by hand, as the runbook says", page)
        ),
        *(labelled("", _PRACTISED, page) if strategy.command and _FOR_REAL not in strategy.command else []),
        *labelled("read", strategy.runbook, page),
        *labelled("because", f"{meaning(decision)}; it is {decision.chosen_because}", page, lines=lines),
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
    text = f"{found.id} {state(found)}{said}: {found.title}: {found.words}"
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
        *labelled("not met", " ".join(one.id for one in decision.criteria if is_clear(one)), page),
        *several_labelled("people said", people, page, entries, 1),
        *several_labelled("also", record.reasons, page, entries, 1),
        *several_labelled("conditions", wording.conditions(record), page, entries, 1),
    ]
