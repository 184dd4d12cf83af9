"""The plan's checklists in words: the same lists in the terminal and in the job summary. They decide nothing."""

from collections.abc import Iterable, Sequence
from typing import Final

from pam_rollback.plan.checklist import CONFIRMED, NOT_CONFIRMED, NOT_DONE
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.verdict import Outcome

KIND: Final = "checklist"
_HOW: Final = 'what nobody has confirmed, a person vouches for, for this run only: --ack ITEM="who: evidence"'
_LISTS: Final = (
    ("before the rollback", ("PRE-", "TF-4")),
    ("during the rollback", ("DUR-", "TF-5")),
    ("after the rollback", ("POST-", "TF-6")),
    ("what only people do", ("",)),
)
"""Each with the beginnings of its items' ids; the last takes what is left."""

Paragraph = tuple[str, tuple[str, ...]]


def is_item(result: Result) -> bool:
    """Whether it is an item of a checklist: told here, and nowhere else. What came to an end that decides is told with the problems."""
    return KIND in result.kind.split() and (result.advisory or result.outcome is Outcome.PASSED)


def paragraphs(record: RunRecord) -> list[Paragraph]:
    """Heading and entries of each list, for each situation; nothing where no item was selected."""
    items = [result for result in record.results if is_item(result)]
    found = []
    situations = list(dict.fromkeys(result.situation for result in items))
    for situation in situations:
        here = [result for result in items if result.situation == situation]
        where = f" [{situation}]" if len(situations) > 1 else ""
        for name, own in _by_list(here):
            found.append((f"Checklist, {name}{where}", tuple(_entries(own))))
    if any(state(result) == NOT_CONFIRMED for result in items):
        heading, entries = found[-1]
        found[-1] = (heading, (*entries, _HOW))
    return found


def _by_list(items: Sequence[Result]) -> Iterable[tuple[str, list[Result]]]:
    left = list(items)
    for name, beginnings in _LISTS:
        own = [result for result in left if "".join(result.criteria[:1]).startswith(beginnings)]
        left = [result for result in left if result not in own]
        if own:
            yield name, own


def _entries(items: Sequence[Result]) -> Iterable[str]:
    """What is not done first, each for itself; what nobody has confirmed last, together by the reason."""
    for result in items:
        if state(result) == NOT_DONE:
            yield f"[!] {_named(result)}: {NOT_DONE}: {_words(result)}; {result.runbook}"
    for result in items:
        if state(result) == CONFIRMED:
            yield f"[x] {_named(result)}: {_words(result)}"
    by_reason: dict[str, list[str]] = {}
    for result in items:
        if state(result) == NOT_CONFIRMED:
            by_reason.setdefault(_words(result), []).append(_named(result))
    for reason, names in by_reason.items():
        yield f"[ ] {'; '.join(names)}: {NOT_CONFIRMED}: {reason}"


def state(result: Result) -> str:
    """Confirmed, not done or not confirmed. What was not reached, or broke on the way, is confirmed by nobody."""
    return {Outcome.PASSED: CONFIRMED, Outcome.BROKEN_CRITERION: NOT_DONE}.get(result.outcome, NOT_CONFIRMED)


def _named(result: Result) -> str:
    what = result.measured[0].what if result.measured else result.title
    return f"{' '.join(result.criteria)} {what}"


def _words(result: Result) -> str:
    words = result.measured[0].definition if result.measured else result.message
    return words.removeprefix("measured: ") if result.outcome is Outcome.BROKEN_CRITERION else words
