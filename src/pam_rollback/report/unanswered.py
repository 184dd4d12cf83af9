"""What a run found that its baseline has, too, and that nobody answers for: told once for each plan item, with one waiver for all of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from pam_rollback.environment.known_before import NOTHING_NEW, nobody_answers, to_paste, waiver_for
from pam_rollback.report.run_record import Result, RunRecord, Unanswered
from pam_rollback.report.verdict import Outcome

HOW_TO: Final = "docs/how-to/record-a-baseline.md"
"""How somebody answers for it."""
HEADING: Final = "Known before, and nobody answers for it"
_NOT_ASKED: Final = frozenset({Outcome.UNKNOWN, Outcome.NOT_RUN})


def items(result: Result) -> tuple[str, ...]:
    """The plan items of what a test found of it."""
    return tuple(dict.fromkeys(one.item for one in result.unanswered))


def together(results: Iterable[Result]) -> str:
    """What several tests found that is nothing new: one sentence."""
    found = _each(one for result in results for one in result.unanswered)
    return f"{NOTHING_NEW}: {nobody_answers(_size(found), _counted(found))}"


def nothing_new(deciding: Iterable[Result]) -> str:
    """One sentence, where nothing else is broken; empty otherwise. ``deciding``: the results on which the verdict rests."""
    bad = [result for result in deciding if result.outcome not in {Outcome.PASSED, Outcome.KNOWN}]
    broken = [result for result in bad if result.outcome not in _NOT_ASKED]
    if not broken or not all(result.nothing_new for result in broken):
        return ""
    count = _size(_each(one for result in broken for one in result.unanswered))
    all_of_it = f"all {count} were" if count > 1 else "the one finding was"
    first = "of what could be judged, nothing is new" if len(broken) < len(bad) else "nothing is new"
    return f"{first}: {all_of_it} there before, and nobody answers for {'them' if count > 1 else 'it'}"


def waivers(record: RunRecord) -> list[tuple[str, str]]:
    """Each plan item of which something was there before, with the one waiver that would name all of it."""
    return [(item, waiver_for(*_named(item, found))) for item, found in _by_item(record).items()]


def proposed(record: RunRecord) -> list[str]:
    """Those waivers, each on a line; of a baseline, where nothing else wants the screen, as a file takes them."""
    if record.verdict != "GO":
        return [waiver for _, waiver in waivers(record)]
    today = datetime.fromisoformat(record.started.iso).date()
    return [line for item, found in _by_item(record).items() for line in to_paste(*_named(item, found), today)]


def lines(record: RunRecord) -> list[str]:
    """All of it: by item the waiver, then each kind with what was found."""
    told: list[str] = []
    for item, found in _by_item(record).items():
        told.append(f"{item}: {_size(found)}; {waiver_for(*_named(item, found))}")
        kinds: dict[str, list[str]] = {}
        for one in found:
            kinds.setdefault(one.kind, []).extend(one.findings)
        told += [f"{item} {kind + ': ' if kind else ''}{'; '.join(each)}" for kind, each in kinds.items()]
    return told


def _named(item: str, found: Iterable[Unanswered]) -> tuple[str, Iterable[str], int]:
    """The patterns of a waiver that names all of it, and how many findings of the baseline they name."""
    borne = {one.pattern: max(one.borne, len(one.findings)) for one in found}
    return item, borne, sum(borne.values())


def _by_item(record: RunRecord) -> dict[str, Sequence[Unanswered]]:
    found = _each(one for result in record.results for one in result.unanswered)
    return {item: [one for one in found if one.item == item] for item in dict.fromkeys(one.item for one in found)}


def _each(found: Iterable[Unanswered]) -> list[Unanswered]:
    return list(dict.fromkeys(found))


def _size(found: Iterable[Unanswered]) -> int:
    return sum(one.count for one in found)


def _counted(found: Sequence[Unanswered]) -> str:
    kinds: Counter[str] = Counter()
    for one in found:
        if one.kind:
            kinds[one.kind] += one.count
    of_kinds = ", ".join(f"{kind} ({count})" for kind, count in kinds.items())
    return "; ".join(filter(None, (of_kinds, *(text for one in found if not one.kind for text in one.findings))))
