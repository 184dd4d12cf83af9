"""Evidence holds ids, never contents: what another user wrote is in no file of a run, whatever goes wrong.

Pictures and traces are of pages as the test account was shown them. Only a product that shows it what belongs to others puts that there.
"""

import gzip
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.http.client import fetch
from pam_rollback.target.pam_api import sign_in
from tests.selection import WHOLE
from tests.sessions import Finished, Project, RunningSandbox, own_range

NAME, STREET, TEXT = "Quirina Zandvoort", "4711 Larkspur Crescent", "my biopsy is on Tuesday"
ONE_BROWSER = ("--browser", "chromium")
CONTENTS = (NAME, STREET, TEXT, "quirina.zandvoort@example.test")


@pytest.fixture(scope="module")
def shared_range() -> Iterator[RunningSandbox]:
    """A sandbox of this module's own: what somebody writes stays in the database, and other tests count rows."""
    with own_range() as made:
        yield made


@pytest.fixture
def somebody(running_sandbox: RunningSandbox) -> str:
    """Another user, who wrote what is nobody else's business in every place that there is; gives their id."""
    api, variables = running_sandbox.state["urls"]["api"], running_sandbox.variables
    email, password = variables["SECOND_TEST_USER_EMAIL"], variables["SECOND_TEST_USER_PASSWORD"]
    account = sign_in(f"{api}/api/v1/auth/login", email, password, deadline_s=10)
    written = f"{NAME}, {STREET}, {CONTENTS[3]}: {TEXT}"
    headers = {"Authorization": f"Bearer {account.token}"}
    for method, path, body in (
        ("PUT", "/api/v1/profile", {"full_name": NAME}),
        ("PUT", "/api/v1/settings", {"settings": {"home_address": written}}),
        ("POST", "/api/v1/pam/chat", {"message": written}),
        ("POST", "/api/v1/expenses", {"amount": 12, "category": "fuel", "description": written}),
        ("POST", "/api/v1/support/tickets", {"subject": NAME, "message": written}),
    ):
        answer = fetch(f"{api}{path}", method=method, json=body, headers=headers, deadline_s=20)
        assert answer.http_status in {200, 201}, answer
    return account.user_id


def texts(path: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that a file holds, also what is packed into it."""
    whole = path.read_bytes()
    if zipfile.is_zipfile(io.BytesIO(whole)):
        with zipfile.ZipFile(io.BytesIO(whole)) as packed:
            for name in packed.namelist():
                yield f"{path.name}/{name}", packed.read(name)
        return
    yield path.name, whole
    if whole[:2] == b"\x1f\x8b":
        yield f"{path.name} (unpacked)", gzip.decompress(whole)


def held(ended: Finished, *, traces: bool = True) -> list[str]:
    """Where something of it is found, in the run's files or on the terminal. Without ``traces``: traces of pages are left out."""
    forms = {form for text in CONTENTS for form in (text, text.replace(" ", "+"), text.replace(" ", "%20"))}
    found = [
        f"{where}: {form}"
        for path in ended.folder.rglob("*")
        if path.is_file() and (traces or not path.name.endswith((".zip", ".png")))
        for where, whole in texts(path)
        for form in forms
        if form.encode() in whole
    ]
    return found + [f"the terminal: {form}" for form in forms if form in ended.out]


def test_contents_are_found_where_they_are(tmp_path: Path) -> None:
    """The search itself: plain, packed, encoded, on the terminal."""
    (tmp_path / "a.json").write_text(f'"{NAME}"')
    (tmp_path / "b.gz").write_bytes(gzip.compress(STREET.encode()))
    with zipfile.ZipFile(tmp_path / "trace.zip", "w") as packed:
        packed.writestr("network", TEXT.replace(" ", "%20"))

    found = held(Finished(0, "by quirina.zandvoort@example.test", tmp_path))

    assert {one.partition(":")[0] for one in found} == {
        "a.json",
        "b.gz (unpacked)",
        "trace.zip/network",
        "the terminal",
    }


@pytest.mark.long_matrix
@pytest.mark.parametrize("what", ["messages", "expenses", "settings", "tickets"])
def test_nothing_that_users_wrote_is_kept(
    running_sandbox: RunningSandbox, project: Project, somebody: str, what: str
) -> None:
    """Health, data, exposure and at night journeys, while the product shows everybody's to everybody: red, with ids, without contents."""
    running_sandbox.remote.plant("cross-user-read", what=what)
    asked = (
        ("-m", "health or journey or integrity", *ONE_BROWSER)
        if os.environ.get(WHOLE)
        else ("-m", "health or integrity")
    )

    ended = project.run("checks", f"--env={running_sandbox.file}", *asked)
    leaks = project.run("checks/test_exposure.py", f"--env={running_sandbox.file}", "-m", "decision")

    assert leaks.rc == 10, leaks.out
    assert held(ended, traces=False) + held(leaks) == []


def test_nothing_of_lost_rows_is_kept(running_sandbox: RunningSandbox, project: Project, somebody: str) -> None:
    """Rows are compared and missed by their keys."""
    running_sandbox.remote.plant("data", what="expenses-moved")

    ended = project.run("checks", f"--env={running_sandbox.file}", "-m", "integrity")

    assert held(ended) == []
