"""The hooks that the team listens to: whoever fails is named, and keeps nothing from being done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from pam_rollback.base.errors import UndoFailed
from pam_rollback.session import listeners
from tests.listening import NO_ONE, listened_to


class Team:
    """A team that hears of all, or whose channel fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.heard: list[str] = []

    def _hear(self, text: str) -> None:
        if self.fails:
            raise OSError("no channel")
        self.heard.append(text)

    def pytest_pam_alarm(self, text: str) -> None:
        """Hear of it."""
        self._hear(text)

    def pytest_pam_verdict_known(self, news: str) -> list[str]:
        """Hear of it; somebody was out."""
        self._hear(news)
        return ["Slack was not told"]

    @contextmanager
    def pytest_pam_undo_begins(self, owed: Sequence[str]) -> Iterator[list[str]]:
        """Hear of the beginning and of how it ended."""
        self._hear(f"begun: {len(owed)}")
        problems: list[str] = []
        try:
            yield problems
        except UndoFailed as failed:
            self._hear(str(failed))
            raise
        self._hear("undone")
        problems.append("Slack was not told")


def test_pytest_pam_verdict_known() -> None:
    """Who was not told is named, also when that is everybody."""
    team = Team()

    def tell(config: Any) -> list[str]:
        return listeners.verdict_known(config, NO_ONE, NO_ONE, "NO-GO")

    assert (tell(listened_to(team)), team.heard) == (["Slack was not told"], ["NO-GO"])
    assert tell(listened_to()) == ["nobody was told of the verdict: nobody listens"]
    assert tell(listened_to(Team(fails=True))) == [
        "was not told of the verdict, tell them yourself: OSError('no channel')"
    ]


def test_pytest_pam_undo_begins() -> None:
    """Beginning and end are heard, a failed one too; no listener keeps what is owed from being put back."""
    team = Team()
    owed: Any = ["flags"]
    with listeners.undo_followed(listened_to(team), NO_ONE, NO_ONE, owed) as untold:
        assert team.heard == ["begun: 1"]
    assert (team.heard, untold) == (["begun: 1", "undone"], ["Slack was not told"])

    with pytest.raises(UndoFailed), listeners.undo_followed(listened_to(team), NO_ONE, NO_ONE, owed):
        raise UndoFailed("HTTP 503")
    assert team.heard[-1] == "HTTP 503"

    put_back = []
    with listeners.undo_followed(listened_to(Team(fails=True)), NO_ONE, NO_ONE, owed) as untold:
        put_back.append(1)
    assert (put_back, untold) == ([1], ["a hook failed: OSError: no channel"])
