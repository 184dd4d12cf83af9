"""What a session asks of the product is said where it is asked, added up, told before anything is sent, and kept."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.outside import pace
from pam_rollback.outside.http import USER_AGENT, fetch
from pam_rollback.plan.plan import load_plan
from pam_rollback.product.rules.limits import Asks, Limits, Steady
from pam_rollback.rollback.fixtures.acting import Action
from pam_rollback.session import budget
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.asks import Around, asks, asks_of

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")
TODAY = load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})
AROUND = Around(TODAY, PLAN, 1, compares=False)


@pytest.fixture(scope="session")
@asks(sign_ins=1, of=lambda around: Asks(frozenset({f"/{around.environment.product}"})))
def of_session() -> int:
    """Something that a session does once."""
    return 1


@pytest.fixture
@asks(page_loads=3)
def of_test(of_session: int) -> int:
    """Something that each test does."""
    return of_session


@pytest.fixture
@asks(later=["of_test"])
def of_late() -> int:
    """Something that asks for another one while it runs."""
    return 1


@pytest.fixture
def over_and_over() -> int:
    """Something that nobody said anything of."""
    return 1


@asks(questions=1)
def test_what_a_test_asks_is_said_beside_it(of_test: int, over_and_over: int, request: pytest.FixtureRequest) -> None:
    """What a session does counts once, what a test does in each test, and what nobody said counts not."""
    found = asks_of([request.node, request.node], AROUND)

    assert (found.sign_ins, found.page_loads, found.questions) == (1, 6, 2)
    assert found.paths == {"/pam-today"}


def test_what_is_asked_for_by_name_counts_with_what_it_asks_for(request: pytest.FixtureRequest) -> None:
    """As the parts of a baseline: nobody sees beforehand that they will be asked for."""
    assert asks_of([request.node], AROUND) == Asks()
    assert asks_of([request.node], AROUND, ["of_test", "nobody knows it"]) == Asks(
        frozenset({"/pam-today"}), sign_ins=1, page_loads=3
    )


def test_what_a_fixture_will_ask_for_later_counts_with_it(of_late: int, request: pytest.FixtureRequest) -> None:
    """As a watch, which starts a prober when it looks."""
    assert asks_of([request.node], AROUND) == Asks(frozenset({"/pam-today"}), sign_ins=1, page_loads=3)


def test_above_a_fixture_nobody_would_read_it() -> None:
    """So it is refused there."""
    with pytest.raises(TypeError, match="it has to stand below"):
        asks(sign_ins=1)(of_session)


@dataclass
class Session:
    """A session that is about to run one test, which asks this."""

    asked: Asks
    folder: Path
    real: bool = False
    run: str = ""
    worker: str = ""
    limits: Limits = field(default_factory=lambda: TODAY.contract.limits)
    on_sandbox: bool = False
    told: list[tuple[str, str]] = field(default_factory=list)
    ended: list[Any] = field(default_factory=list)
    runbook: Any = None

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Collection is finished; gives the runbook. At the end of the block the session is over."""
        with ExitStack() as stack, pytest.MonkeyPatch.context() as monkeypatch:
            try:
                yield self.begins(monkeypatch)
            finally:
                for end in self.ended:
                    stack.callback(end)

    def begins(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Collection is finished; gives the runbook."""
        contract = SimpleNamespace(limits=self.limits)
        urls = SimpleNamespace(api="https://api.test", backend="")
        runbook = SimpleNamespace(
            id=self.run or f"run {id(self)}",
            folder=self.folder,
            worker=self.worker,
            environment=SimpleNamespace(
                name="staging",
                contract=contract,
                urls=urls,
                abilities={"test_account"},
                has_secret=lambda _: True,
                secret=lambda _: "a@test",
            ),
            on_sandbox=self.on_sandbox,
            options=SimpleNamespace(dry_run=False, real=self.real),
            plan=PLAN,
            pace=1,
            stored=None,
            stop=SimpleNamespace(check=lambda: None),
            kept_to=None,
        )
        self.runbook = runbook
        shown = SimpleNamespace(phase=lambda name, text: self.told.append((name, text)), tell=lambda _: None)
        config = SimpleNamespace(
            option=SimpleNamespace(collectonly=False, markexpr="health"),
            add_cleanup=self.ended.append,
            pluginmanager=SimpleNamespace(register=lambda plugin, _: plugins.append(plugin)),
        )
        plugins: list[Any] = []
        monkeypatch.setattr(runbook_module, "of", lambda _: runbook)
        monkeypatch.setattr(budget, "progress_of", lambda *_: shown)
        monkeypatch.setattr(budget, "asks_of", lambda *_: self.asked)
        budget.pytest_configure(config)  # type: ignore[arg-type]
        for one in (*plugins, budget):
            one.pytest_collection_finish(SimpleNamespace(config=config, items=[SimpleNamespace()]))
        return runbook

    def controller(self) -> Any:
        """What the controller is told of this worker's tests, and what it notes of them in the end."""
        config = SimpleNamespace()
        controller = SimpleNamespace(folder=self.folder, worker="", kept_to=None)
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(runbook_module, "of", lambda _: controller)
            budget.pytest_xdist_node_collection_finished(SimpleNamespace(config=config))
        return budget.pytest_pam_notes(controller)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sessions of these tests share a folder of their own, and hold nobody to anything afterwards."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    pace._paces.clear()


def test_it_is_told_and_kept_until_the_end(tmp_path: Path) -> None:
    """Before anything is sent; what cannot have enough answers is told with it."""
    session = Session(Asks(sign_ins=1, too_few=("SC-1: 150 answers of users are needed",)), tmp_path)
    with session.begun() as runbook:
        assert [name for name, _ in session.told] == ["asks", "too short"]
        assert session.told[0][1].startswith("at most 1 sign-in")
        assert pace.is_held()
        pace.spend(pace.SIGN_IN)
        noted = budget.pytest_pam_notes(runbook)
    assert noted == ["asked of the product, of what was told beforehand: 1 of 1 sign-ins"]
    assert not pace.is_held()


def test_more_than_the_product_bears_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """Except of a real rollback, which is told all the same."""
    asked = Asks(steady=(Steady("/metrics", 240),))
    with (
        pytest.raises(pytest.UsageError, match="staging: 240 requests a minute without a token"),
        Session(asked, tmp_path).begun(),
    ):
        pass
    assert not pace.is_held()

    rollback = Session(asked, tmp_path, real=True)
    with rollback.begun() as runbook:
        assert budget.pytest_pam_notes(runbook) == []
        assert (rollback.told[0][0], pace.is_held()) == ("asks", False)


def test_a_real_rollback_waits_for_nobody_until_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it asks counts for the checks that come after, which keep to the limits, and no sign-in is refused for its budget."""
    session = Session(Asks(sign_ins=1), tmp_path, real=True, limits=Limits(client=2))
    runbook = session.begins(monkeypatch)
    waits: list[float] = []
    now = [0.0]
    runbook.kept_to.clock = lambda: now[0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    runbook.kept_to.sleep = sleep
    for _ in range(3):
        pace.spend(pace.SIGN_IN)
        pace.before_request("https://api.test/me", {"User-Agent": "us"})
    assert waits == []

    action = SimpleNamespace(
        journal=SimpleNamespace(append=lambda *_, **__: None),
        story=SimpleNamespace(name="frontend-restore"),
        followed=SimpleNamespace(close=lambda: None),
        runbook=runbook,
    )
    Action.finished(action)  # type: ignore[arg-type]
    pace.before_request("https://api.test/me", {"User-Agent": "us"})
    assert sum(waits) == pytest.approx(61, abs=1)
    session.ended[0]()


def test_sessions_of_one_machine_have_the_limits_together(tmp_path: Path) -> None:
    """What one asks all the time is not there for another, which is refused or makes do; it is as soon as the first is over."""
    watch, checks = Asks(steady=(Steady("/metrics", 30),)), Asks(steady=(Steady("/metrics", 8),))
    with Session(watch, tmp_path).begun():
        beside = Session(checks, tmp_path, worker="gw0")
        with beside.begun():
            pass
        with pytest.raises(pytest.UsageError, match=r"and 30 are another session's of this machine: .* wait until"):
            beside.controller()
        rollback = Session(checks, tmp_path, real=True)
        with (
            rollback.begun() as runbook
        ):  # nor does it wait when it is done: it would be for as long as the watch lasts
            assert pace.is_held()
            assert runbook.kept_to is None
    with Session(checks, tmp_path).begun():
        pass


def test_workers_of_a_session_have_its_budget_together(tmp_path: Path) -> None:
    """The first of them tells it, the controller notes what all have done."""
    workers = [Session(Asks(sign_ins=2), tmp_path, worker=name) for name in ("gw0", "gw1")]
    with workers[0].begun() as first, workers[1].begun() as second:
        assert [len(one.told) for one in workers] == [1, 0]
        first.kept_to.spend(pace.SIGN_IN)
        second.kept_to.spend(pace.SIGN_IN)
        with pytest.raises(MeasurementFailed, match="no sign-in more: 2 were told"):
            first.kept_to.spend(pace.SIGN_IN)
        noted = workers[0].controller()

    assert noted == ["asked of the product, of what was told beforehand: 2 of 2 sign-ins"]


def test_workers_of_a_session_are_no_other_session(tmp_path: Path) -> None:
    """What they ask all the time the session asks once: none of them is refused for it, and others leave room for it once.

    As long as one of them is there. Whoever calls another run the same, somewhere else, is another session.
    """
    half, fits, more = (Asks(steady=(Steady("/metrics", rate),)) for rate in (20, 16, 18))
    first, second = (Session(half, tmp_path, run="run-1", worker=name) for name in ("gw0", "gw1"))
    with first.begun(), second.begun():
        second.controller()
        with Session(fits, tmp_path).begun():
            pass
        first.ended[0]()
        for other in (Session(more, tmp_path), Session(more, tmp_path / "elsewhere", run="run-1")):
            with pytest.raises(pytest.UsageError, match="and 20 are another session's"), other.begun():
                pass
    with Session(more, tmp_path).begun():
        pass


def test_a_sandbox_without_limits_is_asked_at_once(tmp_path: Path) -> None:
    """Nobody is told anything."""
    session = Session(Asks(sign_ins=1), tmp_path, limits=Limits(), on_sandbox=True)
    with session.begun():
        assert (session.told, pace.is_held()) == ([], False)


def test_every_request_of_this_process_waits_for_its_turn() -> None:
    """The door to HTTP asks, whoever built the client; through another address nobody is counted."""
    seen: list[str] = []

    class Turn(pace.Pace):
        def before_request(self, url: str, token: str, agent: str = "") -> None:
            seen.append(f"{url} {token} {agent}")

    with pace.held_to(Turn({})):
        for proxy in ("", "http://127.0.0.1:1"):
            fetch("http://127.0.0.1:1/a", headers={"Authorization": "Bearer a"}, deadline_s=0.2, proxy=proxy)

    assert seen == [f"http://127.0.0.1:1/a Bearer a {USER_AGENT}"]
