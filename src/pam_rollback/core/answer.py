"""What a service answered, as a value: an answer that makes no sense is an observation, not an exception."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, or the reason why there was none.

    ``problem`` is empty when a complete answer came; else it says in words what happened ("refused the connection", "silent for 5 s",
    "body did not end within 5 s", "closed after 12 of 100 bytes").
    """

    method: str
    url: str
    http_status: int | None
    content_type: str
    body: bytes
    elapsed_ms: float
    problem: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sent: bool = True
    """False when it is certain that nothing of the request was sent."""

    @property
    def complete(self) -> bool:
        """A whole answer came in time; nothing is said of what it contains."""
        return not self.problem

    @cached_property
    def json(self) -> Any:
        """The body as JSON, or None when it is not JSON by content and by content type."""
        if self.problem or not self.is_json_type:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def is_json_type(self) -> bool:
        """The content type says JSON."""
        kind = self.content_type.partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

    @property
    def text(self) -> str:
        """The start of the body on one line, for messages."""
        line = " ".join(self.body.decode("utf-8", "replace").split())
        return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…"

    def __str__(self) -> str:
        """One line that a person understands."""
        if self.problem:
            return f"{self.method} {self.url}: {self.problem}"
        return f"{self.method} {self.url}: HTTP {self.http_status} {self.content_type or 'without content type'} {self.text!r}"
