"""What the back end's answers are like, where none names its release: fingerprints of them, and how old the process is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from pam_rollback.base.answer import Answer
from pam_rollback.outside.http import all_at_once, fetch
from pam_rollback.product.conditions import Nowhere, value_at
from pam_rollback.product.contract import Mark
from pam_rollback.rollback.release_proof import MarksSeen


@dataclass(frozen=True)
class MarkedApi:
    """The back end as a client gets it. ``urls`` are by the site of a mark; paths are asked once each, side by side."""

    marks: Sequence[Mark]
    urls: Mapping[str, str]
    deadline_s: float = 5.0

    def look(self) -> MarksSeen:
        """Ask once."""
        addresses = {self._address(mark) for mark in self.marks}
        answers = all_at_once({url: partial(fetch, url, deadline_s=self.deadline_s) for url in addresses})
        at = datetime.now(UTC)
        fingerprints: dict[str, str] = {}
        problems: dict[str, str] = {}
        started_at = None
        for mark in self.marks:
            value, why = _value(mark, answers[self._address(mark)])
            if why:
                problems[mark.title] = why
            elif mark.tells == "release":
                fingerprints[mark.title] = sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
            elif isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
                started_at = at - timedelta(seconds=value)
            else:
                problems[mark.title] = f"expected seconds, found {str(value)[:40]!r}"
        return MarksSeen(at, fingerprints, started_at, problems)

    def _address(self, mark: Mark) -> str:
        return f"{self.urls[mark.site]}{mark.path}"


def _value(mark: Mark, answer: Answer) -> tuple[Any, str]:
    """What the mark is in this answer, or why there is none."""
    if answer.problem or answer.http_status != HTTPStatus.OK:
        return None, answer.problem or f"HTTP {answer.http_status}"
    if mark.header:
        found = answer.headers.get(mark.header.lower())
        return found, "" if found is not None else f"no header {mark.header}"
    if answer.json is None:
        return None, f"not JSON but {answer.content_type or 'no content type'}"
    try:
        return value_at(answer.json, mark.pointer), ""
    except Nowhere as nowhere:
        return None, str(nowhere)
