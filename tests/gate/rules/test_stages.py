"""What is said of an npm stage, and which lines of its output come first."""

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.gate.stages import Stage, is_idle, scripts_of, telling_words

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
        "GA-6",
        command,
        COMMIT,
        dict.fromkeys(scripts, script),
        60,
        exit_code=exit_code,
        took_s=2.5,
        last_words="✖ p95 is 900 ms",
    )


def test_a_stage_that_ended_well_has_passed() -> None:
    """By its exit code and nothing else."""
    assert stage().passed
    assert str(stage()) == "GA-6: npm run test:load at commit 0123456789ab: done in 2.5 s; 0 files of it are kept"


def test_a_stage_that_failed_says_how() -> None:
    """With its own last words."""
    assert not stage(exit_code=3).passed
    assert str(stage(exit_code=3)).endswith("exit code 3 after 2.5 s: ✖ p95 is 900 ms")


def test_a_stage_that_was_ended_has_not_passed() -> None:
    """No exit code is not 0."""
    assert not stage(exit_code=None).passed
    assert "no end within 60 s" in str(stage(exit_code=None))


def test_a_script_that_is_not_there_is_missing_and_never_passed() -> None:
    """Whatever its exit code is said to be; the near one is named, and all that there are."""
    missing = stage(scripts=("test", "test:loads", "e2e"))

    assert missing.missing
    assert not missing.passed
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
    assert not idle.passed
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


def test_scripts_are_read() -> None:
    """A package without scripts has none."""
    assert scripts_of('{"scripts": {"test": "x"}}', "package.json") == {"test": "x"}
    assert scripts_of("{}", "package.json") == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"scripts": []}', '{"scripts": {"test": 1}}'])
def test_a_package_that_cannot_be_read_says_nothing_of_any_stage(text: str) -> None:
    """Neither missing nor there."""
    with pytest.raises(MeasurementFailed, match=r"package\.json: expected"):
        scripts_of(text, "package.json")


def test_lines_that_tell_of_a_failure_come_first() -> None:
    """What stands at the end of a log is often a summary or a stack."""
    lines = [
        "> node",
        "✔ an error is shown",
        "✖ money is written (3 ms)",
        "  at x.js:1",
        "AssertionError: 1 !== 2",
        "  }",
        "",
    ]

    assert telling_words(lines, 4) == "✖ money is written (3 ms) · AssertionError: 1 !== 2"
    assert telling_words(["a", "b", "c"], 2) == "b · c"
    assert telling_words(["", " "], 2) == "it printed nothing"
    assert len(telling_words(["error " + "x" * 5000], 1)) < 500
