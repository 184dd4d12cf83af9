"""What is said of an npm stage, and which lines of its output come first."""

import pytest

from pam_rollback.plan.plan_items import GateCommand
from pam_rollback.redeploy.gate.stages import Stage, is_idle

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def stage(
    command: str = "npm run test:load",
    *,
    exit_code: int | None = 0,
    scripts: tuple[str, ...] = ("test:load",),
    script: str = "node load.js",
) -> Stage:
    """One that ended as said."""
    return Stage(
        GateCommand(id="GA-6", title="x", anchor="x", command=command, deadline_s=60),
        COMMIT,
        dict.fromkeys(scripts, script),
        exit_code=exit_code,
        took_s=2.5,
        last_words="✖ p95 is 900 ms",
    )


def test_a_script_that_is_not_there_is_missing_and_never_passed() -> None:
    """Whatever its exit code is said to be; the near one is named, and all that there are."""
    missing = stage(scripts=("test", "test:loads", "e2e"))

    assert missing.missing
    assert missing.missing
    assert "no script 'test:load', is it 'test:loads'?" in str(missing)
    assert "It has: e2e, test, test:loads" in str(missing)


@pytest.mark.parametrize(
    "script",
    [
        "",
        " ",
        "true",
        ":",
        "exit 0",
        "exit",
        "echo no tests yet >&2",
        "echo 'a && b' && true",
        "true || node x",
        "exit 0; node x",
        "(true)",
    ],
)
def test_a_script_that_does_nothing_counts_as_missing_and_is_named(script: str) -> None:
    """Its exit code is 0, and nothing was tested."""
    idle = stage(script=script)

    assert idle.missing
    assert idle.missing
    assert f"script 'test:load' of package.json tests nothing: {script!r}. Write it" in str(idle)


@pytest.mark.parametrize(
    "script",
    [
        "node x",
        "echo begin && node x",
        "true || node x; node y",
        "false || true",
        "echo 'x",
        "echo x && exit 1",
        "CI=1 node x",
        "(node x)",
    ],
)
def test_a_script_that_does_something_is_run(script: str) -> None:
    """Whatever it prints beside it, and also when it is wrong: then its exit code says so."""
    assert not is_idle(script)
