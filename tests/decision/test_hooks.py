"""What is recommended decides the exit code of a decision."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin.classification import Seen
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.plugin.verdict import Collector
from pam_rollback.report.record_parts import DecisionRecord
from pam_rollback.report.verdict import Ending, ExitCode, Outcome

PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (DecisionRecord("NO ROLLBACK", (), (), (), ""), (ExitCode.GO, ())),
        (DecisionRecord("WATCH", (), ("CR-1",), (), ""), (ExitCode.INCONCLUSIVE, ("WATCH: CR-1",))),
        (DecisionRecord("ROLL BACK NOW", (), ("IR-1",), (), ""), (ExitCode.NO_GO, ("ROLL BACK NOW: IR-1",))),
        (OSError("gone"), (ExitCode.INCONCLUSIVE, ("what to do is not known: OSError: gone",))),
    ],
    ids=lambda answer: str(getattr(answer, "recommendation", answer)),
)
def test_what_is_recommended_decides(answer: object, found: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """It decides, whatever else is green; where nobody can say, that is no GO."""

    def recommended(
        _config: object, _runbook: object, tests: Sequence[Seen], _: object, partial: Sequence[str]
    ) -> object:
        assert ([one.nodeid for one in tests], partial) == (["green"], ())
        if isinstance(answer, Exception):
            raise answer
        return answer

    collector: Any = Collector.__new__(Collector)
    monkeypatch.setattr("pam_rollback.plugin.verdict.recommended", recommended)
    monkeypatch.setattr(Collector, "_scope", SimpleNamespace(partial=()))
    vars(collector).update(
        _config=SimpleNamespace(option=SimpleNamespace(markexpr="decision")),
        _runbook=SimpleNamespace(plan=PLAN, journal=SimpleNamespace(failed_actions=())),
        tests={"green": Seen("green", outcomes=[Outcome.PASSED])},
        _left_out=LeftOut(),
        _broken_collection=[],
        _planned=False,
        _stopped="",
        _failed=[],
    )
    ending = Ending.of(collector._causes())

    assert (ending.code, ending.why) == found
