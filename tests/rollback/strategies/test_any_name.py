"""Names and reasons in any script reach the flags, the emergency call, the team, mail and git as they were typed."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pam_rollback.core.outside_text import cleaned, shows_something
from pam_rollback.notify.channels import mailer_of
from pam_rollback.notify.slack import SlackWebhook
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.lock import Holder, LockRefs, read_holder
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.pam_api import CacheApi, EmergencyApi, FlagApi
from tests.sessions import ON, ROOT, RunningSandbox

ON_RECORD = "SELECT initiated_by FROM flag_history ORDER BY id DESC LIMIT 1"
TYPED = st.text(st.characters(exclude_categories=["Cs"]), max_size=150).map(cleaned).filter(shows_something)


@pytest.fixture
def environment(running_sandbox: RunningSandbox) -> Environment:
    """The sandbox as the suite reads it."""
    return load_environment(str(running_sandbox.file), ROOT / "environments", {})


@pytest.fixture
def repository(environment: Environment) -> Iterator[GitRepository]:
    """The product's."""
    assert environment.git is not None
    with open_repository(GitCommand(environment.git.remote, deadline_s=3.0)) as opened:
        yield opened


@pytest.fixture
def record(running_sandbox: RunningSandbox) -> Iterator["psycopg.Connection[tuple[str]]"]:
    """The product's own record of changes."""
    with psycopg.connect(running_sandbox.variables["PAM_DATABASE_DSN"], autocommit=True) as connection:
        yield connection


def recorded(record: "psycopg.Connection[tuple[str]]") -> str:
    """The name beside the latest change."""
    row = record.execute(ON_RECORD).fetchone()
    assert row is not None
    return row[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TYPED)
@example("Łukasz Żak")
@example("Siobhán O\u2019Neill")
@example("王小明")
@example("👩\u200d💻 on call")
@example("a\u200bb")
@example("100 % me")
@example("UTF-8''me")
@example("x" * 5000)
def test_any_name_and_reason_is_acted_on(
    running_sandbox: RunningSandbox, environment: Environment, record: "psycopg.Connection[tuple[str]]", name: str
) -> None:
    """Each request that carries them is accepted, and the product's own record has them as they were typed, or their beginning."""
    told = name[:200].strip()
    flags = running_sandbox.flags
    FlagApi(flags.url, flags.token, name).set_flags({"PAM_VOICE_FEATURES": ON})
    assert recorded(record) == told
    assert CacheApi(environment.url_of("cache_clear"), environment.secret("admin_token"), name).clear()
    assert recorded(record) == told
    endpoint = EmergencyApi(environment.url_of("emergency_rollback"), environment.secret("emergency_token"))
    assert endpoint.call(name, name).startswith("accepted as change")
    assert recorded(record) == told


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=TYPED)
@example("Łukasz\u2019 王小明 👩\u200d💻 a\u200bb")
def test_people_read_what_was_typed(running_sandbox: RunningSandbox, environment: Environment, reason: str) -> None:
    """In the channel, and in a mail's subject and text."""
    running_sandbox.remote.forget_received()

    assert SlackWebhook(environment.secret("slack_webhook")).post(reason) == ""
    assert mailer_of(environment).send(["ops@example.com"], reason, reason) == ""

    [mail] = running_sandbox.remote.received("email")
    assert (" ".join(mail["subject"].split()), mail["text"].strip()) == (" ".join(reason.split()), reason.strip())


@pytest.mark.parametrize("text", ["Łukasz\u2019 王小明 👩\u200d💻 a\u200bb", "Jos\udce9"])
def test_git_has_it(running_sandbox: RunningSandbox, repository: GitRepository, text: str) -> None:
    """In the message of a revert, and in the lock that other machines read; a byte that is no UTF-8 keeps nobody from reverting."""
    typed = cleaned(text)
    releases = running_sandbox.remote.identity()["releases"]
    made = repository.revert(releases["candidate"]["commit"], onto=releases["candidate"]["commit"], reason=typed)
    message = repository.command.run("log", "-1", "--format=%B", made, folder=repository.mirror).out
    assert f"Why: {typed}" in message

    refs = LockRefs(repository.command, repository.mirror, ("any-name",))
    held = Holder(typed, typed, "laptop", datetime.now(UTC))
    version = refs.put(held.text(), {})
    assert read_holder(refs.text("any-name", version)) == held
    assert refs.move({"any-name": version}, "")
