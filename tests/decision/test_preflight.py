"""Preflight: ready in time and without a trace, and each thing that is wrong turns its strategies and no others."""

import importlib.util
import inspect
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.decision.asked import host_in
from pam_rollback.decision.ways import Readiness
from pam_rollback.probe import health
from pam_rollback.rollback.providers.netlify import NetlifySite, netlify_api
from pam_rollback.rollback.providers.render import RenderDeploys, render_api
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_sandbox.remote import Remote
from tests.decision.asked import QUESTIONS
from tests.decision.asked import preflight as asked_of
from tests.fault_rows.matrix import ROOT
from tests.sessions import FLAGS, ON, Finished, Project, RunningSandbox

FLAG_API = {"feature-flag", "gradual"}
EMERGENCY = {"emergency"}
GRADUAL = {"gradual"}
VERIFICATION = {"verification"}
MESSAGE = {"message"}
COMPREHENSIVE = {"test_comprehensive_health_is_at_its_address"}
SYSTEM = {"full-system"}
FRONTEND = {"frontend", *SYSTEM}
BACKEND = {"backend", *SYSTEM}
GIT = {"by-git"}
BUILDS = {"builds"}
NAMES = {"names"}
SEEN_ELSEWHERE = {"way back", "backup"}
"""In ``test_way_back.py``."""
Prepare = Callable[[Environment], object]


@dataclass(frozen=True)
class Wrong:
    """Something that is wrong, and the tests that say so."""

    id: str
    red: set[str]
    words: str
    fault: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""
    """The variable whose value is another one."""
    settings: str = ""
    before: Prepare | None = None
    """What somebody left at a provider."""
    unnamed: bool = False
    """A provider is reached by a name that there is not."""
    unknown: set[str] = field(default_factory=set)
    """The tests that cannot tell any more."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of whoever asks."""


def site(environment: Environment) -> NetlifySite:
    """The front end's site, as its owner reaches it."""
    assert environment.netlify is not None
    return NetlifySite(netlify_api(environment.netlify, environment.secret("netlify_auth_token")), environment.netlify)


def locked(environment: Environment) -> object:
    """An earlier rollback left the lock."""
    return site(environment).lock(site(environment).live().id)


def gone_back(environment: Environment) -> object:
    """An earlier rollback was not put back."""
    there = site(environment)
    # The first that there ever was: other tests of this sandbox may have left later ones of the release that is published.
    first = there.deploys()[-1]
    there.restore(first.id)
    return Waiter().until(
        there.live, holds=lambda deploy: deploy.id == first.id, within_s=20, what="the first deploy published"
    )


def not_deployed_by_pushes(environment: Environment) -> object:
    """An earlier rollback left automatic deploys off."""
    assert environment.render is not None
    api = render_api(environment.render, environment.secret("render_api_key"))
    return RenderDeploys(api, environment.render).set_auto_deploy(on=False)


def needs_a_package(environment: Environment) -> object:
    """The newest commit of the site has a dependency, so a build of it needs the registry."""
    assert environment.sandbox is not None
    packages = {"": {"name": "site"}, "node_modules/react": {"version": "19.0.0"}}
    lock = json.dumps({"name": "site", "lockfileVersion": 3, "packages": packages})
    remote = Remote(environment.sandbox.control_url, environment.sandbox.token)
    return remote.push({"frontend/package-lock.json": lock}, message="Use React")


WRONG = [
    Wrong("admin token", {*FLAG_API, *SYSTEM}, "the admin token is not valid", secret="PAM_ADMIN_TOKEN"),
    Wrong("emergency token", EMERGENCY, "the token is not accepted", secret="PAM_EMERGENCY_TOKEN"),
    Wrong("test account", VERIFICATION, "the test account could not sign in", secret="TEST_USER_PASSWORD"),
    Wrong("webhook", MESSAGE, "Slack: expected HTTP 400 no_text", fault="notifications-down"),
    Wrong(
        "blind role", {*VERIFICATION, *BACKEND}, "row level security", fault="data", parameters={"what": "role-blinded"}
    ),
    Wrong(
        "open to anybody",
        {*FLAG_API, *EMERGENCY, *SYSTEM},
        "anybody may call it: without a token expected HTTP 401 or 403",
        fault="auth-bypass",
        parameters={"accepts": "missing"},
    ),
    Wrong(
        "no evaluation",
        GRADUAL,
        "what a user gets is not known",
        settings='[paths]\nflag_evaluation = "/nowhere"\n',
    ),
    Wrong("Netlify's token", FRONTEND, "Netlify", secret="NETLIFY_AUTH_TOKEN"),
    Wrong("Render's key", BACKEND, "Render", secret="RENDER_API_KEY"),
    Wrong(
        "expired deploy",
        FRONTEND,
        "the deploy to go back to is not known",
        fault="netlify-behaviour",
        parameters={"what": "deploy-expired"},
    ),
    Wrong("locked site", FRONTEND, "the site is locked at", before=locked),
    Wrong("gone back already", FRONTEND, "there is nothing to go back to", before=gone_back),
    Wrong("autodeploy off", BACKEND, "is not deployed by pushes", before=not_deployed_by_pushes),
    Wrong("repository gone", GIT, "git", fault="repository", parameters={"what": "gone"}, unknown=BUILDS),
    Wrong(
        "registry gone",
        BUILDS,
        "the registry cannot be reached",
        before=needs_a_package,
        environment={"NPM_CONFIG_REGISTRY": "http://127.0.0.1:9/"},
    ),
    Wrong("no resolver", NAMES, "names are not resolved here", unnamed=True),
    Wrong(
        "comprehensive health",
        COMPREHENSIVE,
        "the comprehensive check says not JSON",
        fault="answers-html",
        parameters={"server": "api", "path": "/health/comprehensive"},
    ),
]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Nothing else is asked for."""
    return ("test_preflight.py",)


@pytest.fixture(scope="module")
def checks() -> Mapping[str, Callable[..., None]]:
    """The tests of ``checks/test_preflight.py``, as they stand there, by their cases where they have some."""
    specification = importlib.util.spec_from_file_location("preflight_checks", ROOT / "checks" / "test_preflight.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    by_part = tests.pop("test_every_question_is_answered_yes")
    return {**tests, **{part: partial(by_part, part) for part in (*module.ASKED_BY_THE_GATE, *module.OTHERS)}}


def asked(environment: Environment) -> Mapping[str, Readiness]:
    """What the fixture asks, by strategy."""
    found = asked_of(environment)
    return found.readiness(found.answers())


def judged(checks: Mapping[str, Callable[..., None]], environment: Environment) -> dict[str, str]:
    """What each check says: nothing when it is green, "?" when it cannot tell, else what is wrong."""
    facts = {"health": health.ask(environment), "scored": lambda fact: fact, "readiness": asked(environment)}
    said = {}
    for name, test in checks.items():
        arguments = {wanted: facts[wanted] for wanted in inspect.signature(test).parameters}
        try:
            test(**arguments)
        except AssertionError as wrong:
            said[name] = str(wrong)
        except MeasurementFailed:
            said[name] = "?"
        else:
            said[name] = ""
    return said


def states(ended: Finished) -> dict[str, str]:
    """By strategy, as the run record has it."""
    return {one["name"]: one["state"] for one in ended.record["readiness"]}


def changed(running_sandbox: RunningSandbox, copy: Path, wrong: Wrong) -> Path:
    """The sandbox's environment with another secret, or other settings."""
    text = running_sandbox.file.read_text(encoding="utf-8")
    if wrong.secret:
        text = text.replace(running_sandbox.variables[wrong.secret], "another-value-altogether")
    copy.write_text(f"{text}\n{wrong.settings}", encoding="utf-8")
    copy.chmod(0o600)
    return copy


def test_a_healthy_sandbox_is_ready_in_time_and_nothing_is_left_behind(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """Below 10 seconds; nothing was posted or changed; what was found is in the record, and a later decision says so with its age."""
    out = project.folder / "reports" / "out"
    out.mkdir(parents=True)
    shutil.copy(ROOT / "checks" / "test_exposure.py", project.folder / "checks")

    ended = project.run("-m", "preflight", f"--env={running_sandbox.file}")

    record = ended.record
    assert ended.rc == 0, ended.out
    assert set(states(ended).values()) == {"ready"}
    assert set(states(ended)) == {"way back", *(part for question in QUESTIONS for part in question.parts)}
    assert record["finished"]["monotonic_s"] - record["started"]["monotonic_s"] < 10
    assert running_sandbox.remote.received("slack") == []
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {ON}
    assert "[x] feature-flag: ready" in ended.out
    assert {way["state"] for way in record["standing"]["ways"]} == {"ready"}
    assert (
        "[x] frontend-commit: Netlify, the repository's host, the package registry, git here, Node.js and npm here"
        in ended.out
    )
    words = " ".join(ended.out.split())
    assert "Netlify: all but frontend-restore, frontend-commit, frontend-revert, full-system" in words
    assert "the package registry: all but frontend-commit, frontend-revert" in words
    assert "Slack: all (no way waits for it; tell the team yourself)" in words
    assert (ended.folder / "preflight.json").is_file()

    before_id = record["run_id"]
    ended.folder.rename(out / "20261125T120000Z-sandbox-1a2b")
    observed = "--observed=IR-5=kim: every second request fails"
    decided = project.run("-m", "decision", f"--env={running_sandbox.file}", observed)

    words = " ".join(decided.out.split())
    assert "begin with ST-1 feature-flag" in words, decided.out
    assert "ready: yes, by the preflight of" in words, decided.out
    assert "(20261125T120000Z-sandbox-1a2b)" not in words  # the run is called by its own id
    assert f"ago ({before_id})" in words, decided.out


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.id)
def test_what_is_wrong_turns_its_strategies_and_no_others(
    wrong: Wrong,
    checks: Mapping[str, Callable[..., None]],
    running_sandbox: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The checks themselves, on answers asked afresh: red with the cause; everything else stays ready."""
    file = changed(running_sandbox, tmp_path / "changed.toml", wrong)
    if wrong.fault:
        running_sandbox.remote.plant(wrong.fault, **wrong.parameters)
    for name, value in wrong.environment.items():
        monkeypatch.setenv(name, value)
    if wrong.unnamed:
        monkeypatch.setattr("pam_rollback.decision.asked.host_in", lambda address: host_in(address) and "api.invalid")
    if wrong.before is not None:
        wrong.before(load_environment(str(running_sandbox.file), ROOT / "environments", {}))
    try:
        said = judged(checks, load_environment(str(file), ROOT / "environments", {}))
    finally:
        running_sandbox.remote.clear_all()
        if wrong.before is not None:
            running_sandbox.remote.reset()

    assert {name for name, words in said.items() if words not in {"", "?"}} == wrong.red, said
    assert {name for name, words in said.items() if words == "?"} == wrong.unknown, said
    assert any(wrong.words in said[name] for name in wrong.red), said


def test_every_test_is_seen_red(checks: Mapping[str, Callable[..., None]]) -> None:
    """A question that cannot be answered no is decoration."""
    seen = {name for wrong in WRONG for name in wrong.red}

    assert {*checks} == seen | SEEN_ELSEWHERE
