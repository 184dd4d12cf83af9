"""What a good answer looks like."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.core.answer import Answer
from pam_rollback.core.outside_text import cut
from pam_rollback.target.chat_answer import Intent, failure_beside, shortcoming
from pam_rollback.target.conditions import Captured, Condition, held_against
from pam_rollback.target.contract import ANY_STATUS, Component
from pam_rollback.target.front_page import read_page, release_of_page, shortcoming_of_sent
from pam_rollback.target.health import body_problems, release_of
from pam_rollback.target.health_body import commit_named

_SHOWN_CHARACTERS = 40
JSON = "application/json"
_ERRORS_FROM = 400


class Expect(BaseModel):
    """What a good answer looks like. Every part that is given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    status: int = 200
    content_type: str = ""
    """The content type begins so."""
    json_values: dict[str, Any] = Field(default_factory=dict)
    """Values at the top level of the JSON body."""
    json_keys: tuple[str, ...] = ()
    """Keys that the top level of the JSON body must have."""
    text: str = ""
    """Text that occurs in the body."""
    site: bool = False
    """A page of the site, and not only an error that is answered with 200."""
    component: Component | None = None
    """The component whose health is asked, with its conditions. None: it is something else."""
    good: tuple[Condition, ...] = ()
    """Conditions of the contract on the answer."""
    chat: Intent | None = None
    """PAM's answer to a question: ``target/chat_answer.py``. None: it is something else."""

    def shortcomings(self, answer: Answer) -> str:
        """Say what is wrong with the answer, in words; empty when nothing is. The body comes first.

        It names what ails.
        """
        if answer.problem:
            return answer.problem
        found = [*self._of_body(answer)]
        if answer.http_status != self.status:
            found.append(f"HTTP {answer.http_status} instead of {self.status}")
        if not answer.content_type.lower().startswith(self.content_type.lower()):
            found.append(f"content type {answer.content_type!r} instead of {self.content_type!r}")
        return "; ".join(found)

    def release_of(self, answer: Answer) -> str:
        """The release that the answer names; empty when it names none, or is not meant to."""
        if self.component is not None:
            return release_of(self.component, answer) if self.component.names_release else ""
        return release_of_page(answer.body) if self.site else ""

    def commit_of(self, answer: Answer) -> str:
        """The commit that a health answer names beside its release; empty when it names none."""
        body: Any = answer.json if self.component is not None and self.component.names_release else None
        return commit_named(body) if isinstance(body, dict) else ""

    def _of_body(self, answer: Answer) -> list[str]:
        found = []
        if self.component is not None:
            return list(body_problems(self.component, Captured(answer, datetime.now(UTC))))
        told_of_keys = bool(self.json_values or self.json_keys or self.chat)
        if self.content_type == JSON and not told_of_keys and answer.http_status == self.status and answer.json is None:
            return [f"no JSON: {answer.json_problem or cut(answer.text, _SHOWN_CHARACTERS, sign='')!r}"]
        if told_of_keys:
            body = answer.json
            if not isinstance(body, dict):
                why = f" ({answer.json_problem})" if answer.json_problem else ""
                return [f"not a JSON object{why}: {cut(answer.text, _SHOWN_CHARACTERS, sign='')!r}"]
            found += [
                f"{key} is {cut(str(body.get(key)), _SHOWN_CHARACTERS, sign='')!r} instead of {value!r}"
                for key, value in self.json_values.items()
                if key not in body or body[key] != value
            ]
            found += [f"without {key!r}" for key in self.json_keys if key not in body]
            if self.chat and answer.http_status == self.status:
                found += filter(None, [shortcoming(body, self.chat)])
        elif self.content_type and answer.http_status == self.status < _ERRORS_FROM and isinstance(answer.json, dict):
            found += filter(None, [failure_beside(answer.json)])
        captured = Captured(answer, datetime.now(UTC))
        # What is wrong with a chat's answer has better words of its own.
        told = not found and answer.http_status == self.status and [held_against(one, captured) for one in self.good]
        found += [str(result) for result in told or () if not result.met]
        if self.site:
            found += filter(None, [shortcoming_of_sent(read_page(answer.body))])
        if self.text and self.text.encode() not in answer.body:
            found.append(f"without the text {self.text!r}")
        return found


def healthy(component: Component) -> Expect:
    """A healthy answer of this component."""
    status = 200 if component.http_status == ANY_STATUS else component.http_status
    return Expect(status=status, component=component)
