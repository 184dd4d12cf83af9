"""Migrations that neither the release nor its repository tells are left out beforehand; where somebody should tell them, they are not."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.decision.decision import State
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plugin.sql_files import invariants_of, lacking, why_not_asked
from pam_rollback.plugin.topics import database as held_data
from pam_rollback.plugin.topics import decision
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.invariants import Invariant, InvariantResult

ROOT = Path(__file__).parents[2]
DRIFT = "migrations-drift"
SECRETS = {"PAM_DATABASE_DSN": "postgresql://pam@127.0.0.1/pam", "RENDER_API_KEY": "r", "GIT_TOKEN": "g"}
HOST, FILES = '[render]\nservice_id = "srv-elsewhere"\n', '[git]\nremote = "/tmp/elsewhere.git"\n'
PLAN, TODAY = "pam-plan", "pam-today"
CASES = [
    pytest.param(TODAY, HOST, {"database", "backend_host"}, ("git",), id="no-git"),
    pytest.param(TODAY, "", {"database"}, ("git", "backend_host"), id="no-hosts"),
    pytest.param(TODAY, HOST + FILES, {"database", "git", "backend_host"}, (), id="its-files-tell"),
    pytest.param(
        TODAY, "[contract.tables]\nnames_schema_version = true\n", {"database"}, (), id="the-contract-names-it"
    ),
    pytest.param(
        TODAY, '[paths]\nversion = "/health"\n', {"database"}, ("git", "backend_host"), id="a-release-is-no-schema"
    ),
    pytest.param(PLAN, "", {"database"}, (), id="the-plan's-product"),
]


def described(folder: Path, product: str, more: str, abilities: Collection[str]) -> Environment:
    """Production's file, for another product, with more to it and these abilities alone."""
    file = folder / "elsewhere.toml"
    own = f'extends = "production"\nname = "elsewhere"\nproduct = "{product}"\nabilities = {sorted(abilities)}\n'
    file.write_text(own + more, encoding="utf-8")
    return load_environment(str(file), ROOT / "environments" / "examples", SECRETS)


@pytest.mark.parametrize(("product", "more", "abilities", "missing"), CASES)
def test_it_is_left_out_where_nobody_tells_and_nobody_should(
    product: str, more: str, abilities: Collection[str], missing: tuple[str, ...], tmp_path: Path
) -> None:
    """Of all invariants that one alone, with what would let it be judged."""
    environment = described(tmp_path, product, more, abilities)
    invariants = {one.id: one for one in invariants_of(ROOT, environment)}

    assert lacking(invariants[DRIFT], environment) == missing
    assert {one for one in invariants if why_not_asked(invariants[one], environment)} == ({DRIFT} if missing else set())
    assert why_not_asked(invariants[DRIFT], environment).endswith(
        f"add {' and '.join(missing)} to its abilities, when it is there" if missing else ""
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which invariants the database was asked about: all hold but that one, which nobody can tell."""
    ids: list[str] = []

    def evaluated(invariants: list[Invariant], *_: object) -> tuple[Mapping[str, InvariantResult], Mapping[str, str]]:
        ids.extend(one.id for one in invariants)
        results = {one.id: InvariantResult(one.id, one.sentence, 40, 0, ()) for one in invariants if one.id != DRIFT}
        return results, {DRIFT: "the running release does not say"} if DRIFT in ids else {}

    monkeypatch.setattr(held_data, "evaluated", evaluated)
    monkeypatch.setattr(decision, "evaluated", evaluated)
    return ids


@pytest.mark.parametrize("named", [False, True])
def test_what_is_left_out_makes_nothing_else_unknown(
    named: bool,  # noqa: FBT001 - a parameter
    asked: list[str],
    tmp_path: Path,
) -> None:
    """The window and the decision name it; where the contract says that the release tells it, they are not known without."""
    more = f"[contract.tables]\nnames_schema_version = {str(named).lower()}\n"
    environment, plan = described(tmp_path, TODAY, more, {"database"}), load_plan(ROOT / "plan.toml")
    held, judged = over(environment, plan), users_data(environment, plan)

    assert (DRIFT in asked) is named
    assert bool(held.unknown) is named
    assert (DRIFT in held.left_out) is not named
    assert judged.finding.state is (State.UNKNOWN if named else State.CLEAR)
    assert ("left out: migrations-drift" in judged.finding.words) is not named


LINK = SimpleNamespace(refuse_other=lambda: None, confirm_good=lambda _: None)


def body(fixture: Any) -> Callable[..., Any]:
    """The function behind a fixture."""
    return fixture.__wrapped__  # type: ignore[no-any-return]


FOLDERS = SimpleNamespace(rootpath=ROOT)
"""Where the checks are."""


def over(environment: Environment, plan: Plan) -> Any:
    """The data when the window is over."""
    window, clock = SimpleNamespace(wait_for_its_end=lambda: None), SimpleNamespace(monotonic_s=lambda: 9.0)
    return body(held_data.held_data)(window, 0.0, clock, environment, plan, None, LINK, FOLDERS)


def users_data(environment: Environment, plan: Plan) -> Any:
    """The data as the decision sees it."""
    return body(decision.user_data)(environment, plan, None, None, LINK, None, FOLDERS)
