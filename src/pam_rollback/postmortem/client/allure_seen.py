"""What the tests of a session had found that was killed before it wrote its record: read from Allure's results, a file a test."""

import json
import re
from pathlib import Path
from typing import Any

from pam_rollback.report.run_record import Result
from pam_rollback.report.verdict import Outcome

_OUTCOMES = {"passed": Outcome.PASSED, "failed": Outcome.BROKEN_CRITERION, "skipped": Outcome.NOT_RUN}
_NAME = re.compile(r"(?:(?P<items>[A-Z]+-\d+(?:[ ,]+[A-Z]+-\d+)*) · )?(?P<title>.*)", re.DOTALL)


def results_seen(folder: Path) -> tuple[Result, ...]:
    """The finished tests; a file that is half written is none."""
    found = []
    for path in sorted(folder.glob("*-result.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told, dict) and told.get("fullName") != "recommendation":
            found.append(_result(told))
    return tuple(sorted(found, key=lambda result: result.nodeid))


def _result(told: dict[str, Any]) -> Result:
    named = _NAME.fullmatch(str(told.get("name", "")))
    items = (named["items"] or "") if named else ""
    details = told.get("statusDetails") or {}
    return Result(
        nodeid=str(told.get("fullName", "")),
        title=named["title"] if named else str(told.get("name", "")),
        outcome=_OUTCOMES.get(str(told.get("status")), Outcome.UNKNOWN),
        criteria=tuple(re.findall(r"[A-Z]+-\d+", items)),
        message=str(details.get("message", "")).partition("\n")[0],
    )
