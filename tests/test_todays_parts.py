"""Decision and watch of today's product: each part down, failing and wrong gets the right verdict, and is named first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault_rows.todays_parts import AS_A_BROWSER, ROWS_HOST, SITE, USERS
from tests.plugin.drilling import runbook_with
from tests.sessions import RunningSandbox, own_range, runbook_in

NOW, THINK, NO = "ROLL BACK NOW", "CONSIDER A ROLLBACK", "NO ROLLBACK"
NOT_ASKED = ("IR-1", "IR-3", "IR-4", "IR-6", "CR-1", "CR-2", "CR-3", "CR-4", "CR-5")
ANSWERS = 'abilities = ["test_account"]'
"""Nothing but users' answers is looked at."""
SHARE = {"share": 0.4}
WORLDS = [
    ("healthy", "", {}, NO, ""),
    ("front-end-down", "answers-fail", SITE, NOW, "front end: 0 of"),
    ("front-end-fails", "answers-fail", {**SITE, **SHARE}, NOW, "error rate of the front end"),
    ("front-end-wrong", "error-page-served", {}, NOW, "front end: 0 of"),
    ("back-end-down", "release-down", {"how": "killed"}, NOW, "back end: 0 of"),
    ("back-end-hung", "release-down", {"how": "hung"}, NOW, "back end: 0 of"),
    ("back-end-answers-500", "code-errors", {"share": 1.0}, NOW, "back end: 0 of"),
    ("back-end-fails", "code-errors", SHARE, NOW, "error rate of the back end"),
    ("back-end-fails-a-little", "code-errors", {"share": 0.12}, THINK, "error rate of the back end"),
    ("back-end-wrong", "answers-garbage", USERS, NOW, "back end: 0 of"),
    ("browsers-refused", "browsers-refused", {"server": "api"}, NOW, f"{AS_A_BROWSER}: 0 of"),
    ("rows-down", "answers-fail", ROWS_HOST, NOW, "rows at Supabase: 0 of"),
    ("rows-fail", "answers-fail", {**ROWS_HOST, **SHARE}, NOW, "error rate of the rows at Supabase"),
    ("rows-wrong", "answers-garbage", ROWS_HOST, NOW, "rows at Supabase: 0 of"),
    ("supabase-down", "answers-fail", {**ROWS_HOST, "path": "/*"}, NOW, "rows at Supabase: 0 of"),
    # Nobody can sign in: what the back end would say to users cannot be asked.
    ("database-down", "database-down", {}, NOW, "rows at Supabase: 0 of"),
    ("health-down-alone", "answers-fail", {"server": "api", "path": "/health"}, THINK, "health of the back end"),
]
EVERY_COMMIT = {"back-end-answers-500"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """One sandbox of today's product for all worlds."""
    with own_range("pam-today") as made:
        yield made


@pytest.fixture
def world(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Iterator[None]:
    """The fault of the case; all is healthy again afterwards."""
    sandbox.remote.reset()
    sandbox.remote.forgive()
    _, fault, settings, *_ = request.param
    if fault:
        sandbox.remote.plant(fault, **settings)
    yield
    sandbox.remote.clear_all()


def _cases(names: set[str]) -> list[object]:
    return [
        pytest.param(one, *one[3:], id=one[0], marks=[] if one[0] in EVERY_COMMIT else [pytest.mark.nightly])
        for one in WORLDS
        if not names or one[0] in names
    ]


@pytest.mark.parametrize(("world", "recommendation", "first"), _cases(set()), indirect=["world"])
@pytest.mark.usefixtures("world")
def test_decision(sandbox: RunningSandbox, tmp_path: Path, recommendation: str, first: str) -> None:
    """What decides is the worst part; it is named first, and no other one is averaged with it."""
    file = tmp_path / "today.toml"
    # What stands in no table comes before the first one.
    text = sandbox.file.read_text(encoding="utf-8")
    file.write_text(
        text.replace(text[text.index("abilities = [") : text.index("]\n") + 2], f"{ANSWERS}\n"), encoding="utf-8"
    )
    file.chmod(0o600)
    acks = [f"--ack={one}=the matrix: not part of this row" for one in NOT_ASKED]

    found = runbook_in(tmp_path).run("-m", "decision", "checks/test_decision.py", f"--env={file}", *acks)

    decision = found.record["decision"]
    words = [one["words"] for one in decision["criteria"] if one["id"] in decision["why"]]
    assert decision["recommendation"] == recommendation, found.out
    assert not first or words[0].startswith(first), found.out


WATCHED = {"healthy", "back-end-answers-500", "browsers-refused", "rows-down", "front-end-down", "back-end-down"}


@pytest.mark.parametrize(("world", "recommendation", "first"), _cases(WATCHED), indirect=["world"])
@pytest.mark.usefixtures("world")
def test_watch(sandbox: RunningSandbox, tmp_path: Path, recommendation: str, first: str) -> None:
    """Three looks open an incident that begins with the part."""
    found = runbook_with(tmp_path, "test_watch.py").run(
        "-m", "watch", f"--env={sandbox.file}", "--look-every=2s", "--turn=22s"
    )

    assert found.rc == (0 if recommendation == NO else 10), found.out
    assert not first or f": {first}" in " ".join(found.out.split()), found.out
