"""No GO where no way back was checked, or where nobody knows from which copy lost rows could come back."""

from collections.abc import Iterable
from pathlib import Path

import psycopg
import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.question import Answered, State
from pam_rollback.database import rows_seen
from pam_rollback.decision.ways import NOT_CHECKED, NOT_READY, READY, way_back
from pam_rollback.report.record_parts import WayFound
from pam_rollback.target.environment_file import load_environment
from tests.decision.asked import QUESTIONS, preflight
from tests.fault_rows.matrix import ROOT
from tests.sessions import Project, RunningSandbox

SAID = "RPO-1=kim: the host's copy of 04:10"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Nothing else is asked for."""
    return ("test_preflight.py",)


def ways(*states: str) -> tuple[WayFound, ...]:
    """One of each state."""
    return tuple(WayFound(f"way-{place}", ("a host",), state, f"why {state}") for place, state in enumerate(states))


@pytest.mark.parametrize(
    ("states", "state", "words"),
    [
        ((NOT_CHECKED, READY, NOT_READY), READY, ["why ready"]),
        ((NOT_CHECKED, NOT_CHECKED), NOT_CHECKED, ["why not checked (asked whether way-0 or way-1 can be taken)"]),
        ((NOT_CHECKED, NOT_READY), NOT_READY, ["why not ready (asked whether way-1 can be taken)"]),
    ],
)
def test_one_that_is_ready_is_a_way_back(states: Iterable[str], state: str, words: list[str]) -> None:
    """None is green by being left out; what is known to be wrong comes first."""
    found = way_back(ways(*states))

    assert found.state == state
    assert [one for one in words if one not in found.words] == []


def test_without_hosts_and_flags_no_way_is_ready_and_the_backup_is_asked_of_people() -> None:
    """The shipped staging environment declares neither; whoever answers for the backup is quoted."""
    asked = preflight(load_environment(str(ROOT / "environments/examples/staging.toml"), ROOT / "environments", {}))
    answers = [Answered(one.text, State.YES, "") for one in QUESTIONS if not one.ability and one.parts != ("backup",)]
    found, answered = asked.readiness(answers), asked.readiness(answers, acked=[SAID])

    with pytest.raises(MeasurementFailed, match="way back is not checked: staging declares no flag_admin"):
        _ = found["way back"].answered_yes
    with pytest.raises(MeasurementFailed, match="backup is not checked"):
        _ = found["backup"].answered_yes
    assert (answered["backup"].state, answered["backup"].words) == (READY, "kim: the host's copy of 04:10")


def test_a_preflight_that_checked_no_way_back_is_inconclusive(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """Every strategy is left out, and that is no GO; a person's word on the backup answers for that alone."""
    text = (project.folder / "environments" / "sandbox.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("abilities = [")
    alone = f'{head}abilities = ["browser"]{rest.partition("]")[2]}'
    project.write("environments/sandbox.toml", alone)

    ended = project.run("-m", "preflight", f"--env={running_sandbox.file}")
    vouched = project.run("-m", "preflight", f"--env={running_sandbox.file}", "--ack", SAID)

    assert (ended.rc, vouched.rc) == (11, 11), ended.out
    assert ended.outcomes_by_case()["test_every_question_is_answered_yes[way back]"] == "could not measure"
    words = " ".join(ended.out.split())
    assert "sandbox declares no netlify" in words or "sandbox declares no frontend_host" in words, words
    assert "declares no copy of its database (staging_copy): ask who keeps the backups" in words
    assert "[x] backup: ready: kim: the host's copy of 04:10" in " ".join(vouched.out.split())


def test_a_copy_is_measured(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """How old its newest row is; the database itself is no copy."""
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    own, copied = environment.secret("database_dsn"), environment.secret("staging_copy_dsn")
    text = running_sandbox.file.read_text(encoding="utf-8")
    itself = tmp_path / "itself.toml"
    itself.write_text(text.replace(copied, own), encoding="utf-8")
    itself.chmod(0o600)

    def backup(file: Path) -> tuple[str, str]:
        asked = preflight(load_environment(str(file), ROOT / "environments", {}))
        [call] = [one for one in asked.calls if one.questions[0].parts == ("backup",)]
        found = asked.readiness(call.ask())["backup"]
        return found.state, found.words

    own_found = backup(itself)
    found = backup(running_sandbox.file)

    assert found[0] == READY
    assert found[1].partition(", ")[2].startswith("whose newest row is ")
    assert own_found[0] == NOT_READY
    assert "leads to the database itself" in own_found[1]


def test_a_copy_without_rows_is_no_way_back(running_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could come back from it."""
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    rows_seen.make_copy_anew(environment)
    monkeypatch.setattr(rows_seen, "make_copy_anew", lambda _: None)
    with psycopg.connect(environment.secret("staging_copy_dsn")) as connection:
        connection.execute(f"TRUNCATE {', '.join(environment.users_rows)} CASCADE".encode())

    with pytest.raises(ActionFailed, match="says when it was made: nothing is known to be in it"):
        rows_seen.copy_seen(environment)
