"""What is said of an npm stage, which commit the gate is about, and whose word answers for a test that could not be run."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan_items import GateCommand
from pam_rollback.redeploy.gate.hooks import is_answered
from pam_rollback.redeploy.gate.stages import Stage, candidate_of, is_idle
from pam_rollback.target.served_release import BACK_END, FRONT_END, Served, Wanted

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


A, B = "a" * 40, "b" * 40


def site(commit: str, version: str = "1.42.0") -> Served:
    """The front end as it serves that commit."""
    return Served(FRONT_END, Wanted(), commit, version)


def api(commit: str, version: str = "1.42.0") -> Served:
    """The back end."""
    return Served(BACK_END, Wanted(), commit, version)


def test_two_commits_are_no_candidate() -> None:
    """Nor is none."""
    for first, second in ((A, B), ("", "")):
        with pytest.raises(MeasurementFailed, match=r"cannot be told.*--to"):
            candidate_of(None, "", site(first), api(second))


def test_a_named_commit_is_the_candidate_also_where_it_is_not_served() -> None:
    """But then nothing that is measured there says anything of it."""
    found = candidate_of(B, B[:8], site(A), api(A))

    assert (found.commit, found.version, found.served) == (B, "", False)
    with pytest.raises(MeasurementFailed, match="staging does not serve the candidate"):
        found.refuse_absent("staging")
    candidate_of(A, A[:8], site(A), api(A)).refuse_absent("staging")


def test_half_of_it_is_not_it() -> None:
    """The front end alone, or one that does not tell."""
    assert not candidate_of(A, A, site(A), api(B)).served
    assert not candidate_of(A, A, site(A), api("")).served


def test_a_release_is_found_by_its_version_where_it_is_served() -> None:
    """Elsewhere there is no telling."""
    assert candidate_of(None, "1.42.0", site(A), api(A)).commit == A
    with pytest.raises(MeasurementFailed, match=r"--to 1\.43\.0: expected a commit"):
        candidate_of(None, "1.43.0", site(A), api(A))


SUCCESS = ("SC-1", "SC-4")


@pytest.mark.parametrize(
    ("ids", "answered", "expected"),
    [
        (("DI-1", "SC-4", "POST-2"), {"SC-4"}, True),
        (("DI-1", "SC-4", "POST-2"), {"POST-2", "DI-1"}, False),
        (("SC-1", "SC-4"), {"SC-4"}, False),
        (("GA-1", "PM-5"), {"GA-1"}, False),
        (("GA-1", "PM-5"), {"GA-1", "PM-5"}, True),
        ((), {"SC-4"}, False),
    ],
)
def test_a_success_criterion_speaks_for_what_its_tests_serve(
    ids: tuple[str, ...],
    answered: set[str],
    expected: bool,  # noqa: FBT001 - a table
) -> None:
    """Nothing less than all of them, and a checklist item never speaks for a success criterion."""
    assert is_answered(ids, answered, SUCCESS) is expected
