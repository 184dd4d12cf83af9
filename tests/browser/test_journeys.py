"""The journeys as whole sessions: green where all is well, never green where a browser is missing, and nothing left behind."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pam_rollback.target.accounts import AccountApi
from pam_rollback.target.pam_api import sign_in
from tests.fingerprint import differences, fingerprint
from tests.plugin.test_offline import dead_address
from tests.sessions import Project, RunningSandbox, in_both_browsers, runbook_in

FAILING = '''"""Do journeys that fail clean up?"""
import pytest

pytestmark = [pytest.mark.post_rollback, pytest.mark.journey, pytest.mark.writes]


def test_expense(traveller):
    """If red: docs/runbook.md#browser-broken."""
    with traveller.journey("adding an expense"):
        site = traveller.enters()
        traveller.owes(lambda api: api.delete_expenses("rollback check"))
        assert not site.add_expense("12.34", "rollback check"), "written, and the test fails"


def test_setting(traveller):
    """If red: docs/runbook.md#browser-broken."""
    with traveller.journey("changing a setting"):
        site = traveller.enters()
        traveller.owes_settings({"distance_unit": site.open_settings()})
        assert not site.other_unit(), "written, and the test fails"


def test_session(traveller):
    """If red: docs/runbook.md#sessions-lost."""
    renewed = traveller.loses_session()
    assert not renewed.signed_in_again, "signed in twice, and the test fails"
'''
CHROMIUM_ONLY = ("--browser", "chromium")
CHOSEN, BY_ITSELF = {"distance_unit": "km"}, {"distance_unit": "miles"}
"""A setting that the person made, and not to what it is by itself. One that was never made cannot be unmade by the API."""


def account(running_sandbox: RunningSandbox) -> AccountApi:
    """What the test account has, past the page."""
    api = running_sandbox.state["urls"]["api"]
    variables = running_sandbox.variables
    signed_in = sign_in(
        f"{api}/api/v1/auth/login", variables["TEST_USER_EMAIL"], variables["TEST_USER_PASSWORD"], deadline_s=5
    )
    return AccountApi(
        history_url=f"{api}/api/v1/pam/history",
        expenses_url=f"{api}/api/v1/expenses",
        settings_url=f"{api}/api/v1/settings",
        token=signed_in.token,
    )


@contextmanager
def chosen(running_sandbox: RunningSandbox) -> Iterator[None]:
    """The person made that setting; afterwards it is what other tests of this sandbox find when nobody made it."""
    account(running_sandbox).restore_settings(CHOSEN)
    try:
        yield
    finally:
        account(running_sandbox).restore_settings(BY_ITSELF)


def possessions(running_sandbox: RunningSandbox) -> set[str]:
    """Settings and expenses of the test account, one line each."""
    api = account(running_sandbox)
    settings, expenses = api.settings(), api._list(api.expenses_url, api.expenses_items)
    assert settings
    assert expenses
    return {f"{name} = {value}" for name, value in settings.items()} | {f"expense {one}" for one in expenses}


@pytest.mark.nightly  # in Chromium, beside faults, when pages or checks change: test_faults_together.py
def test_every_journey_works_in_every_declared_browser(running_sandbox: RunningSandbox, project: Project) -> None:
    """Nobody has to say which browsers; what the journeys wrote is gone, and what one browser can show is shown once."""
    in_both_browsers(project)
    with chosen(running_sandbox):
        before = possessions(running_sandbox)
        ended = project.run("-m", "journey", f"--env={running_sandbox.file}")
        after = possessions(running_sandbox)

    assert (ended.rc, set(ended.outcomes().values())) == (0, {"passed"}), ended.out
    cases = set(ended.outcomes_by_case())
    assert {
        "test_pam_answers[chromium]",
        "test_pam_answers[firefox]",
        "test_new_visitor_gets_the_release[chromium]",
    } <= cases
    assert "test_new_visitor_gets_the_release[firefox]" not in cases
    assert after ^ before == set()


def test_a_declared_browser_that_is_missing_is_never_green(running_sandbox: RunningSandbox, project: Project) -> None:
    """It is not a finding about the product either: nobody knows. The text says which browser, and what to do."""
    in_both_browsers(project)
    project.environment["PAM_FIREFOX"] = "/nonexistent"

    ended = project.run("-m", "journey", "-k", "pam_answers", f"--env={running_sandbox.file}")

    outcomes = ended.outcomes_by_case()
    assert ended.rc == 11, ended.out
    assert {found for case, found in outcomes.items() if "firefox" in case} == {"could not measure"}
    assert {found for case, found in outcomes.items() if "chromium" in case} == {"passed"}
    assert "PAM_FIREFOX names /nonexistent" in " ".join(ended.out.split())


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    ("control", "rc", "words"),
    [
        pytest.param("alive", 10, "could not be reached (net::ERR_CONNECTION_REFUSED)", id="only the site is down"),
        pytest.param("dead", 11, "this machine seems to be offline", id="everything is"),
    ],
)
def test_a_site_that_cannot_be_reached(
    running_sandbox: RunningSandbox, project: Project, control: str, rc: int, words: str
) -> None:
    """A site that is down is broken; from a machine without a network nothing is known of it."""
    site = dead_address()
    address = running_sandbox.state["urls"]["frontend"] if control == "alive" else dead_address()
    project.environment |= {"USER_OF_THE_TEST": "somebody@example.org", "PASSWORD_OF_THE_TEST": "nobody-knows-it"}
    project.write(
        "environments/prelive.toml",
        f'name = "prelive"\nkind = "staging"\nabilities = ["browser", "test_account"]\nbrowsers = ["chromium"]\n'
        f'[urls]\nfrontend = "{site}"\napi = "{site}"\nbackend = "{site}"\n[probing]\ncontrol_url = "{address}"\n'
        '[secrets]\ntest_user_email_env = "USER_OF_THE_TEST"\ntest_user_password_env = "PASSWORD_OF_THE_TEST"\n',
    )

    ended = project.run("checks/test_journeys.py", "--env", "prelive")

    assert ended.rc == rc, ended.out
    assert words in " ".join(ended.out.split()), ended.out


@pytest.fixture(scope="module")
def failed(
    shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[set[str], set[str], Path, str]:
    """A session whose journeys write and then fail: what the account had before and after, the run's folder, the output."""
    project = runbook_in(tmp_path_factory.mktemp("failing"))
    in_both_browsers(project)
    project.write("checks/test_failing.py", FAILING)
    shared_range.as_it_was()
    with chosen(shared_range):
        before = possessions(shared_range)
        ended = project.run("checks/test_failing.py", f"--env={shared_range.file}", *CHROMIUM_ONLY)
        after = possessions(shared_range)
    assert ended.rc == 10, ended.out
    assert set(ended.outcomes().values()) == {"broken criterion"}, ended.out
    return before, after, ended.folder, ended.out


def test_a_browser_that_is_left_out_makes_it_partial(failed: tuple[set[str], set[str], Path, str]) -> None:
    """A narrower choice is for looking at something, not for a verdict."""
    assert "PARTIAL: --browser leaves out firefox" in " ".join(failed[3].split())


def test_nothing_is_left_behind_by_a_journey_that_fails(failed: tuple[set[str], set[str], Path, str]) -> None:
    """Expense and setting are as they were."""
    before, after, _, _ = failed

    assert after ^ before == set()


def test_a_setting_that_is_left_changed_would_be_seen(running_sandbox: RunningSandbox) -> None:
    """Beside journeys, too, whose other rows do not count: fault rows are held against it."""
    account(running_sandbox).restore_settings(BY_ITSELF)
    before = fingerprint(running_sandbox, with_users_rows=False)

    with chosen(running_sandbox):
        left = fingerprint(running_sandbox, with_users_rows=False)

    assert differences(before, left) == ["what people chose"]
    assert differences(before, fingerprint(running_sandbox, with_users_rows=False)) == []


def test_a_failure_comes_with_trace_and_picture(failed: tuple[set[str], set[str], Path, str]) -> None:
    """Both are attached in the report, one each for each test, and the trace is still one."""
    attached = list((failed[2] / "allure-results").glob("*-attachment.*"))
    traces = [path for path in attached if path.suffix == ".zip"]

    assert len(traces) == 3
    assert len([path for path in attached if path.suffix == ".png"]) == 3
    for path in traces:
        with zipfile.ZipFile(path) as trace:
            assert {"trace.trace", "trace.network"} <= set(trace.namelist())
            assert trace.testzip() is None


def test_no_attachment_has_a_secret(failed: tuple[set[str], set[str], Path, str], shared_range: RunningSandbox) -> None:
    """Neither the typed password nor a token, in whatever file of the run, in whatever member of a trace; the trace has what was typed."""
    _, _, folder, out = failed
    variables = shared_range.variables
    secrets = [variables[name].encode() for name in ("TEST_USER_PASSWORD", "PAM_ADMIN_TOKEN", "PAM_EMERGENCY_TOKEN")]
    secrets.append(str(shared_range.state["sandbox"]["token"]).encode())
    token = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}")
    bodies = dict(_bodies(folder))

    leaks = [name for name, body in bodies.items() if token.search(body) or any(secret in body for secret in secrets)]
    assert leaks == []
    assert not any(secret.decode() in out for secret in secrets)
    assert any(b"[redacted:" in body for name, body in bodies.items() if ".zip/" in name), sorted(bodies)


def _bodies(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        yield str(path.relative_to(folder)), path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    yield f"{path.name}/{entry.filename}", archive.read(entry)
