"""What a part of a baseline knows of."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.known_before import Finding
from pam_rollback.plan.plan import load_plan
from pam_rollback.session import fixtures as scoring
from pam_rollback.session.baseline_files import BaselinePart
from tests.listening import listened_to
from tests.plan.plan_scene import body
from tests.waivers import accepted

PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")


class Recorded:
    """A part of a baseline with one finding of its own, or one that cannot be read; and one that knows nothing."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    def known(self, _: object) -> tuple[list[Finding], dict[str, str]]:
        """What it has."""
        if self.problem:
            raise MeasurementFailed(self.problem)
        return [Finding("CR-4", "settings-phone", "no alt", 2)], {"CR-4": "version 1"}

    def pytest_pam_baseline_parts(self) -> list[BaselinePart]:
        """Both."""
        own = BaselinePart("own", "own_recorded", "", known=self.known)
        return [own, BaselinePart("none", "none", "", known=lambda _: None), BaselinePart("rows", "rows", "")]


@pytest.mark.parametrize("problem", ["", "own.json is another one than was recorded"])
def test_what_a_baseline_has_is_known(problem: str) -> None:
    """It is known as far as somebody answers for it; a part that cannot be read makes nothing known, and says so."""
    environment = SimpleNamespace(waivers=[accepted("CR-4", "settings-phone: *", until=date(2099, 1, 1), at_most=9)])
    stored = SimpleNamespace(
        red=(SimpleNamespace(item="CR-4", finding=Finding("CR-4", "settings-phone", "no text"), count=1),),
        found=(),
        origin=SimpleNamespace(release=""),
        ill=lambda _: (),
        refuse_ill=lambda _: None,
        refuse_stale=lambda *_: None,
    )
    runbook = SimpleNamespace(stored=stored, environment=environment, plan=PLAN)
    request = SimpleNamespace(config=listened_to(Recorded(problem)))
    released = SimpleNamespace(frontend="", backend="")
    known = body(scoring.known_before)(environment, runbook, released, request)

    told = known.told(Finding("CR-4", "settings-phone", said, 2, by="version 2") for said in ("no alt", "no name"))
    listed = known.told([Finding("CR-4", "settings-phone", "no text")])

    assert [finding.said for finding, _ in (*told.known, *listed.known)] == ([] if problem else ["no alt", "no text"])
    assert ("found by version 2, those of the baseline by version 1" in told.reasons) is not bool(problem)
    assert listed.reasons == problem
