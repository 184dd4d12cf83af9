"""The hook that says whether an incident is in a tracker."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.checklist.fixtures import MEASURES
from pam_rollback.plan.checklist import Finding
from tests.listening import listened_to


def test_pytest_pam_on_record() -> None:
    """Without a listener a person says so; one that knows a tracker says where, or that it is not there, or that it cannot tell."""
    given: dict[str, Any] = {"answer": (True, "https://tracker.example/1")}

    class Listener:
        def pytest_pam_on_record(self) -> tuple[bool, str]:
            answer: tuple[bool, str] = given["answer"]
            if isinstance(answer, Exception):
                raise answer
            return answer

    config = listened_to()
    session: Any = SimpleNamespace(request=SimpleNamespace(config=config), environment=SimpleNamespace(name="e"))
    with pytest.raises(MeasurementFailed, match="only a person can say so: e names no tracker"):
        MEASURES["PRE-4"](session)
    config.pluginmanager.register(Listener())
    assert MEASURES["PRE-4"](session).done
    given["answer"] = (False, "it was closed")
    assert MEASURES["PRE-4"](session) == Finding(done=False, words="it was closed")
    given["answer"] = MeasurementFailed("HTTP 401")
    with pytest.raises(MeasurementFailed, match="HTTP 401"):
        MEASURES["PRE-4"](session)
