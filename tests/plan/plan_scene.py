"""Stand-ins for what a fixture asks the outside world, so that its own body can be called with a plan."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pam_rollback.plan.plan import Plan
from pam_rollback.probe.parts import Series
from pam_rollback.probe.samples import Sample
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment

ROOT = Path(__file__).parents[2]


def body(fixture: Any) -> Callable[..., Any]:
    """The function behind a fixture."""
    return fixture.__wrapped__  # type: ignore[no-any-return]


@cache
def environment() -> Environment:
    """Production's, as it is committed, without a secret."""
    return load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})


class Waits:
    """A waiter that looks once."""

    def until(self, observe: Callable[[], Any], *, what: str = "", **_how: object) -> Any:
        """What is there now."""
        self.what = what
        return observe()


class Watched:
    """An observation: a probe a second, all of them recorded."""

    journeys = ("front page", "history")
    series = (Series("front end", ("front page",), 1.0), Series("back end", ("history",), 1.0))
    rate_hz = 1.0
    slowest_part_hz = 1.0
    began_s = 0.0
    memory = None

    def __init__(
        self, bad: Callable[[int], bool] = lambda _: False, *, ms: float = 105.0, for_s: int = 1000, status: int = 401
    ) -> None:
        self.settled_s = float(for_s)
        self._all = [
            Sample(
                float(at), ms, self.journeys[at % 2], ok=not bad(at), why="HTTP 503" if bad(at) else "", status=status
            )
            for at in range(for_s)
        ]

    def samples_of_parts(self, since_s: float | None = None, until_s: float | None = None) -> tuple[Sample, ...]:
        """The same: health is not asked."""
        return self.samples(since_s, until_s)

    def samples(self, since_s: float | None = None, until_s: float | None = None) -> tuple[Sample, ...]:
        """Those of that time."""
        return tuple(one for one in self._all if (since_s or 0) <= one.due_s < (until_s or math.inf))


def asked(**fixtures: object) -> Any:
    """A request that knows these fixtures."""
    return SimpleNamespace(getfixturevalue=fixtures.__getitem__, config=None)


def quiet() -> Any:
    """Progress that nobody reads."""
    return SimpleNamespace(tell=lambda _: None, done=lambda: None, phase=lambda *_: None)


def runbook(plan: Plan, **differs: object) -> Any:
    """A session at the plan's own pace."""
    options = SimpleNamespace(baseline=None, env="production", observed=(), ack=(), real=False)
    known: dict[str, object] = {
        "plan": plan,
        "pace": 1.0,
        "options": options,
        "stored": None,
        "id": "run",
        "on_sandbox": False,
    }
    known |= {"environment": environment(), "records_before": False, "secrets": SimpleNamespace(redact=str)}
    return SimpleNamespace(**(known | differs))


def call(fixture: Any, **known: object) -> Any:
    """The body of a fixture, with what is known; everything else is nothing."""
    function = body(fixture)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return function(**{name: known.get(name) for name in names})
