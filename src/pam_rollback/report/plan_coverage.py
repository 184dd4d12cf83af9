"""Which items of the plan a session judged, which it left out, and what would let those be judged; from the run record alone."""

import re
from collections.abc import Iterable
from typing import Final

from pam_rollback.report import checklist, wording
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Outcome

HEADING: Final = "Plan items"
_UNDECLARED: Final = re.compile(r"(?P<where>\S+) declares no (?P<what>[\w, ]+)$")
_UNDESCRIBED: Final = re.compile(r"the contract of (?P<where>\S+) describes no (?P<what>[\w, ]+) \(\[elements\]\)$")
_OTHER_BROWSER: Final = " among its browsers"
"""The end of the reason why a test was left out that is about a browser that nobody asks for: another one shows the same."""


def lines(record: RunRecord) -> list[str]:
    """Judged, judged in part, not measured, and left out by reason; nothing where nothing was left out, or it is not known of what."""
    left_out = [one for one in record.deselected if one.criteria and not one.reason.endswith(_OTHER_BROWSER)]
    if not left_out or record.verdict == "PLANNED":
        return []
    asked = [result for result in record.results if not checklist.is_item(result)]
    judged = _items(result.criteria for result in asked if result.outcome not in wording.BLIND)
    blind = _items(result.criteria for result in asked if result.outcome is Outcome.UNKNOWN)
    lacking = {*_items(one.criteria for one in left_out), *blind}
    of_kind = {
        "judged": [one for one in judged if one not in lacking],
        "judged in part": [one for one in judged if one in lacking],
        "could not be measured": [one for one in blind if one not in judged],
    }
    found = [f"{kind}: {' '.join(items)}" for kind, items in of_kind.items() if items]
    known = {*judged, *blind}
    missing = [(one.reason, item) for one in left_out for item in one.criteria if item not in known]
    found += [
        f"not judged: {' '.join(dict.fromkeys(items))}: {reason}{remedy(reason)}"
        for reason, items in wording.by_reason(missing).items()
    ]
    return found


def in_short(record: RunRecord) -> str:
    """The same as counts; empty where there is nothing to say."""
    told = lines(record)
    counts = {
        kind: len({item for line in told if line.startswith(f"{kind}: ") for item in line.split(": ")[1].split()})
        for kind in ("judged", "judged in part", "could not be measured", "not judged")
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def remedy(reason: str) -> str:
    """What would let it be judged, where the reason does not say it itself."""
    if undeclared := _UNDECLARED.match(reason):
        return f" (add it to abilities of {undeclared['where']}, when it is there)"
    if undescribed := _UNDESCRIBED.match(reason):
        return f" (describe it in products/{undescribed['where']}.toml, when it is there)"
    return ""


def _items(of_tests: Iterable[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(item for items in of_tests for item in items))
