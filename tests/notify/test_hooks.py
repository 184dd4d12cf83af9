"""Whether an incident is in a tracker (PRE-4)."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.checklist import Finding
from pam_rollback.plugin.topics.checklist import MEASURES, ON_RECORD


def test_the_incident_is_on_record() -> None:
    """Without a tracker a person says so; who knows one says where, or that it is not there, or that it cannot tell."""
    given: dict[str, Any] = {"answer": (True, "https://tracker.example/1")}

    def on_record(_: object) -> tuple[bool, str]:
        answer: tuple[bool, str] = given["answer"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    config = SimpleNamespace(stash=pytest.Stash())
    session: Any = SimpleNamespace(request=SimpleNamespace(config=config), environment=SimpleNamespace(name="e"))
    with pytest.raises(MeasurementFailed, match="only a person can say so: e names no tracker"):
        MEASURES["PRE-4"](session)
    config.stash[ON_RECORD] = on_record
    assert MEASURES["PRE-4"](session).done
    given["answer"] = (False, "it was closed")
    assert MEASURES["PRE-4"](session) == Finding(done=False, words="it was closed")
    given["answer"] = MeasurementFailed("HTTP 401")
    with pytest.raises(MeasurementFailed, match="HTTP 401"):
        MEASURES["PRE-4"](session)
