"""Bad input: one clear error or refusal each, with the exit code of its kind, and nothing changed.

How a session begins is shown in this process; one whole session shows what pytest makes of each kind of ending.
"""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.beginning import Begin, begin
from tests.sessions import ONLY_HEALTH, ROOT, Project, RunningSandbox

__all__ = ["begin"]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return ONLY_HEALTH


PRODUCTION = "environments/examples/production.toml"
Arrange = Callable[[Project, RunningSandbox], list[str]]


def typo(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """A key that is not known."""
    text = running_sandbox.file.read_text(encoding="utf-8").replace("frontend =", "frontent =")
    return _env(project, text)


def gone_sandbox(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """The file of a sandbox that does not listen any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    control = running_sandbox.state["sandbox"]["control_url"]
    return _env(project, running_sandbox.file.read_text(encoding="utf-8").replace(control, f"http://127.0.0.1:{port}"))


def another_sandbox(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """A token that this sandbox does not know."""
    token = running_sandbox.state["sandbox"]["token"]
    return _env(project, running_sandbox.file.read_text(encoding="utf-8").replace(token, "x" * 32))


def negative_duration(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """A plan that makes no sense."""
    plan = (project.folder / "plan.toml").read_text(encoding="utf-8")
    project.write("plan.toml", plan.replace("duration_s = 900", "duration_s = -900", 1))
    return ["--env", str(running_sandbox.file), "-m", "health"]


def real_without_execute(_: Project, __: RunningSandbox) -> list[str]:
    """A real rollback without consent."""
    return ["drills/test_feature_flag.py", "--env", PRODUCTION, "--mode", "real"]


def two_stories(_: Project, __: RunningSandbox) -> list[str]:
    """Two actions in one real session."""
    consent = ["--execute", "--confirm", "production", "--reason", "errors", "--initiated-by", "alex"]
    return [
        *(f"drills/test_{name}.py" for name in ("feature_flag", "gradual")),
        "--env",
        PRODUCTION,
        "--mode",
        "real",
        *consent,
    ]


def drill_on_production(_: Project, __: RunningSandbox) -> list[str]:
    """Planting damage where people are."""
    return ["drills/test_feature_flag.py", "--env", PRODUCTION]


def production_by_another_name(project: Project, _: RunningSandbox) -> list[str]:
    """A staging file at production's address, in another spelling; a dry run is refused as well."""
    text = (ROOT / "environments" / "examples" / "staging.toml").read_text(encoding="utf-8")
    return [
        *_env(project, text.replace("wheels-wins-backend-staging.onrender.com", "PAM-backend.onrender.com.")),
        "--dry-run",
    ]


def unknown_site(_: Project, running_sandbox: RunningSandbox) -> list[str]:
    """A release for a site that there is not."""
    return ["--env", str(running_sandbox.file), "-m", "health", "--to", "fronted=1.41.3"]


def used_run_folder(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """A folder with the evidence of another run."""
    (project.folder / "run-1").mkdir()
    project.write("run-1/old.txt", "evidence")
    return ["--env", str(running_sandbox.file), "-m", "health", "--run-dir", str(project.folder / "run-1")]


def folder_that_cannot_be(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """A name that is too long for any disk."""
    folder = project.folder / "new" / ("x" * 300) / "run"
    return ["--env", str(running_sandbox.file), "-m", "health", "--run-dir", str(folder)]


def results_where_a_file_is(project: Project, running_sandbox: RunningSandbox) -> list[str]:
    """Allure's own listener would end in an internal error."""
    return ["--env", str(running_sandbox.file), "-m", "health", "--alluredir", str(project.folder / "plan.toml")]


def _env(project: Project, text: str) -> list[str]:
    project.write("other.toml", text)
    (project.folder / "other.toml").chmod(0o600)
    return ["--env", "other.toml", "-m", "health"]


@pytest.mark.parametrize(
    ("arrange", "code", "words"),
    [
        (typo, 4, ["other.toml: ", "[urls] frontent: unknown key, did you mean 'frontend'?"]),
        (gone_sandbox, 11, ["cannot be reached", "Is it still running? `make sandbox` starts one."]),
        (another_sandbox, 13, ["does not know this token"]),
        (negative_duration, 4, ["plan.toml: 1 problem", "[success_criteria.SC-1] duration_s"]),
        (
            real_without_execute,
            13,
            ["REFUSED by the guard, nothing was changed", "needs --execute", "docs/runbook.md#refused"],
        ),
        (two_stories, 13, ["exactly one action, selected: feature-flag, gradual"]),
        (drill_on_production, 13, ["a drill plants damage"]),
        (production_by_another_name, 13, ["other.toml: [urls] api: https://PAM-backend.onrender.com. is production's"]),
        (unknown_site, 4, ["--to 'fronted=1.41.3': expected one RELEASE for both sites, or frontend=RELEASE and"]),
        (used_run_folder, 4, ["expected a new or empty folder, found files; evidence of two runs is never mixed"]),
        (folder_that_cannot_be, 4, ["cannot be made: File name too long; choose another with --run-dir"]),
        (results_where_a_file_is, 4, ["plan.toml: the folder cannot be made: File exists; choose another"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_it_is_one_clear_error(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, arrange: Arrange, code: int, words: list[str]
) -> None:
    """It names the place, what was expected, what was found, and what to do; nothing is left in the project, and nothing was sent."""
    arguments = arrange(project, running_sandbox)
    files = everything_in(project.folder)
    asked = running_sandbox.remote.request_counts()

    begun = begin(project.folder, *arguments)

    assert begun.rc == code, begun.said
    assert [part for part in words if part not in begun.said] == [], begun.said
    assert everything_in(project.folder) == files
    assert running_sandbox.remote.request_counts() == asked


def everything_in(folder: Path) -> set[Path]:
    """Every file and folder."""
    return set(folder.rglob("*"))


UNKNOWN = '''"""Is it?"""
import pytest
@pytest.mark.criterion("HC-33")
def test_a():
    assert True
'''


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-m", "post_rolback"], 4, "no marker 'post_rolback', did you mean 'post_rollback'?"),
        (["drills/test_feature_flag.py", "--env", PRODUCTION, "--mode", "real"], 13, "REFUSED by the guard"),
        (["-m", "readiness"], 5, "-m 'readiness' selected no test, so nothing was verified"),
        (["checks/test_case.py"], 4, "criterion 'HC-33' is not an item of plan.toml"),
    ],
    ids=["usage", "refused", "nothing selected", "collection"],
)
def test_a_session_ends_with_it(
    running_sandbox: RunningSandbox, project: Project, arguments: list[str], code: int, words: str
) -> None:
    """Before the start and after the collection: the exit code of its kind, the message, no traceback, no folder of a run."""
    if "checks/test_case.py" in arguments:
        project.write("checks/test_case.py", UNKNOWN)
    env = () if "--env" in arguments else ("--env", str(running_sandbox.file))

    ended = project.run(*arguments, *env)

    assert ended.rc == code, ended.out
    assert words in " ".join(ended.out.split())
    assert "Traceback" not in ended.out
    assert not (ended.folder / "journal.jsonl").exists()
