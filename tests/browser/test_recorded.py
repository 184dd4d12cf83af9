"""What a baseline has of errors and of a lost session: a part that cannot be recorded takes none of the others with it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.browser.fixtures import recorded
from pam_rollback.browser.journeys import BehindThePages, Conversation, NewSession
from tests.plan.plan_scene import body

Seen = TypeVar("Seen")
ERROR = "POST /api/me was answered with 500"
SEEN = BehindThePages(journey="errors", browser="chromium", complaints=(ERROR,))
TALK = Conversation(journey="asking PAM", browser="chromium", answer="42", shown_again=True, stored=True)
LOST = NewSession(journey="signing out", browser="chromium", signed_out=True, signed_in_again=True)


@dataclass
class Walking:
    """Somebody whose journeys end so; what they noticed stays."""

    lost: NewSession | Exception = LOST
    seen: BehindThePages | Exception = SEEN
    talk: Conversation | Exception = TALK
    elements: Collection[str] = ("message",)
    done: list[str] = field(default_factory=list)

    def loses_session(self) -> NewSession:
        """One journey."""
        self.done.append("lost")
        return or_raised(self.lost)

    def asks_pam(self) -> Conversation:
        """The first one."""
        self.done.append("asked")
        return or_raised(self.talk)

    def opens_every_page(self) -> BehindThePages:
        """Another one."""
        self.done.append("opened")
        return or_raised(self.seen)

    def leave(self) -> None:
        """Close the windows."""
        self.done.append("left")

    def getfixturevalue(self, name: str) -> Any:
        """As pytest gives a fixture."""
        assert name == "lost_session"
        return body(recorded.lost_session)(self)

    def parts(self) -> dict[str, list[str] | str]:
        """What the baseline has of each part, or why not."""
        request = SimpleNamespace(getfixturevalue=self.getfixturevalue)
        environment = SimpleNamespace(contract=SimpleNamespace(elements=self.elements))
        return {
            "errors": _found(lambda: body(recorded.errors_recorded)("baseline", environment, self, request)),
            "session": _found(lambda: body(recorded.lost_session_recorded)(self.getfixturevalue("lost_session"))),
        }


def or_raised(found: Seen | Exception) -> Seen:
    """What a journey gave."""
    if isinstance(found, Exception):
        raise found
    return found


def _found(record: Any) -> list[str] | str:
    try:
        return [one.said for one in record().found]
    except MeasurementFailed as problem:
        return str(problem)


LIMITED = MeasurementFailed("the sign-in is rate limited")


@pytest.mark.parametrize(
    ("walking", "errors", "session"),
    [
        (Walking(), 1, ["does not ask to sign in"]),
        (Walking(lost=LIMITED), 1, "the sign-in is rate limited"),
        (Walking(lost=NewSession(journey="signing out", browser="chromium", problem="no button")), 1, "no button"),
        (Walking(talk=LIMITED), 1, ["does not ask to sign in"]),
        (Walking(seen=LIMITED), 0, ["does not ask to sign in"]),
    ],
    ids=[
        "both are known",
        "nobody could sign in",
        "the journey stopped",
        "PAM could not be asked",
        "the pages could not be opened",
    ],
)
def test_each_part_is_recorded_without_the_other(walking: Walking, errors: int, session: list[str] | str) -> None:
    """Also where a journey of one of them cannot be walked. The others come first, as in later runs, and windows are closed."""
    parts = walking.parts()

    assert parts["session"] == session if isinstance(session, list) else session in str(parts["session"])
    assert len(parts["errors"]) == errors if isinstance(parts["errors"], list) else errors == 0
    assert walking.done[:4] == ["asked", "lost", "left", "opened"]


def test_nobody_is_asked_who_is_not_described() -> None:
    """A chat that the contract does not describe is no part of later runs."""
    walking = Walking(elements=())
    walking.parts()

    assert walking.done[:2] == ["lost", "left"]
