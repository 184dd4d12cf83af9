"""The SQL checks as sessions: one that is a GO, one in which everything is wrong that can be, and what the link to the API means for each.

Each damage and its check alone: tests/fault_rows/integrity.py. A database that cannot tell:
tests/database/client/test_integrity_evaluation.py.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.database_link import DatabaseLink, Link, judged_link
from pam_rollback.plugin.topics.database import Integrity
from pam_rollback.report import run_record, sections
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.invariants import InvariantResult
from tests.sessions import ROOT, Finished, Project, RunningSandbox, store_baseline

INTEGRITY = ("-m", "integrity")
SEEDED_EXPENSES = 3000
GOOD = """-- id: made-up
-- criterion: DI-3, SC-4, POST-2
-- sentence: no expense is dearer than nothing
-- severity: advisory
-- expectation: no rows; the largest first
-- dialect: product
-- tables: expenses
-- anchor: expenses-damaged

SELECT id
FROM expenses
WHERE amount > 0
ORDER BY amount DESC
"""

Changed = Callable[..., Path]


@pytest.fixture
def changed(running_sandbox: RunningSandbox, tmp_path: Path) -> Changed:
    """The sandbox's file with other texts in it."""

    def change(*replacements: tuple[str, str], more: str = "") -> Path:
        text = running_sandbox.file.read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "changed.toml"
        file.write_text(f"{text}\n{more}\n", encoding="utf-8")
        file.chmod(0o600)
        return file

    return change


def evidence(session: Finished) -> list[str]:
    """The tables of results that the session left for the report."""
    results = session.folder / "allure-results"
    attached = [
        attachment["source"]
        for container in results.glob("*-container.json")
        for step in json.loads(container.read_text(encoding="utf-8")).get("befores", [])
        for attachment in step.get("attachments", [])
        if attachment["name"] == "integrity.csv"
    ]
    return [(results / source).read_text(encoding="utf-8") for source in sorted(set(attached))]


def words_of(session: Finished) -> str:
    """What the terminal shows, however it was wrapped."""
    return " ".join(session.out.split())


def test_a_healthy_database_is_a_go(running_sandbox: RunningSandbox, changed: Changed, project: Project) -> None:
    """Each file is a test by its own path, with its figures and its line in the evidence; two workers share one moment.

    An advisory check is red, and never decides. A migration that only added is listed as compatible: the database is ahead of the release.
    """
    files = {path.stem for path in (project.folder / "checks" / "integrity").glob("*.sql")}
    project.write("checks/integrity/made-up.sql", GOOD)
    running_sandbox.remote.plant("data", what="migration-ahead")
    file = changed(('dialect = "product"', 'dialect = "product"\ncompatible_migrations = ["99990101000000"]'))
    found = project.run(*INTEGRITY, "-n", "2", f"--env={file}")
    nodes = {result["nodeid"] for result in found.record["results"]}
    reasons = {entry["nodeid"].rpartition("::")[2]: entry["reason"] for entry in found.record["deselected"]}
    [table] = evidence(found)

    assert found.rc == 0, found.out
    assert found.last_line.startswith("REHEARSAL GO for integrity"), found.last_line
    assert {name for name, outcome in found.outcomes().items() if outcome != "passed"} == {"test_made_up"}
    assert found.outcomes()["test_made_up"] == "broken criterion"
    assert found.record["release"]
    assert "checks/integrity/expenses-amount.sql::test_expenses_amount[as-is]" in nodes
    line = re.search(r"^expenses-amount,yes,(\d+),0,", table, re.MULTILINE)
    assert line, table
    assert int(line[1]) >= SEEDED_EXPENSES, "what tests before this one wrote comes on top"
    assert {line.partition(",")[0] for line in table.splitlines()[1:]} <= {*files, "made-up"}
    # The other dialect's tables are not missing: nobody has both.
    assert "no rows were counted before" in reasons["test_no_row_is_lost[as-is]"]
    assert "test_conversations_incomplete[as-is]" not in reasons


def test_what_does_not_apply_is_left_out_and_named(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """By the product's contract, with its reason; the damage that it would find is then nobody's finding.

    So is what nobody can be asked about: the migrations of a release that does not name them, without its repository.
    """
    contract = "[contract.tables]\nnames_schema_version = false\n"
    left_out = '[contract.tables.left_out]\nsettings-blank = "nobody keeps settings here"'
    for what in ("settings-wiped", "migration-behind"):
        running_sandbox.remote.plant("data", what=what)
    file = running_sandbox.described(tmp_path / "less.toml", contract + left_out, without={"git"})
    found = project.run(*INTEGRITY, f"--env={file}")
    reasons = {entry["nodeid"].rpartition("::")[2]: entry["reason"] for entry in found.record["deselected"]}

    assert reasons["test_settings_blank[as-is]"] == (
        "the contract of pam-plan leaves it out: nobody keeps settings here"
    )
    assert (
        "settings-blank,left out" in evidence(found)[0] or "left out: nobody keeps settings here" in evidence(found)[0]
    )
    assert "test_migrations_drift" not in found.outcomes()
    assert reasons["test_migrations_drift[as-is]"].endswith(
        "declares no git; add git to its abilities, when it is there"
    )
    [in_part] = [
        line
        for line in sections.coverage(run_record.read(found.folder / "run.json"))
        if line.startswith("judged in part: ")
    ]
    assert {"SC-4", "POST-2"} <= {*in_part.split()}
    assert found.rc == 0, found.out


def test_settings_of_another_form_are_not_known(changed: Changed, project: Project) -> None:
    """The contract says wide, the table is narrow: what reads settings says so, and nothing else."""
    found = project.run(
        *INTEGRITY, f"--env={changed(more='[contract.tables]' + chr(10) + 'settings = ' + chr(34) + 'wide' + chr(34))}"
    )
    unknown = {name for name, outcome in found.outcomes().items() if outcome == "could not measure"}

    assert found.rc == 11, found.out
    assert unknown == {
        "test_settings_blank",
        "test_settings_duplicate",
        "test_settings_missing",
        "test_settings_orphaned",
        "test_timestamps_future",
    }
    assert 'set settings = "narrow" in [tables] of the product' in words_of(found)


def test_what_is_wrong_and_what_is_not_known_stand_side_by_side(
    running_sandbox: RunningSandbox, changed: Changed, project: Project, tmp_path: Path
) -> None:
    """Red with count, ids and page, and no content of a row; unknown with the name to set; all else is judged."""
    names = '[sql.names]\n"expenses.amount" = "total"'
    project.write(
        "checks/integrity/made-up.sql", GOOD.replace("SELECT id\n", "DELETE\n").replace("ORDER BY amount DESC\n", "")
    )
    stored = store_baseline(running_sandbox, tmp_path)
    stored.with_name("rows-before.json").write_text("{}", encoding="utf-8")
    for what in ("settings-wiped", "row-security-off"):
        running_sandbox.remote.plant("data", what=what)
    running_sandbox.remote.plant("answers-html", server="api", path="/version")
    found = project.run(*INTEGRITY, "--baseline", str(stored), f"--env={changed(more=names)}")
    outcomes, said = found.outcomes(), words_of(found)

    assert found.rc == 10, found.out
    for name in ("test_settings_blank", "test_row_security_off"):
        assert outcomes[name] == "broken criterion", found.out
    for name in (*("test_made_up", "test_expenses_amount", "test_no_row_is_lost", "test_no_row_is_rewritten"),):
        assert outcomes[name] == "could not measure", name
    assert outcomes["test_expenses_orphaned"] == "passed"
    assert outcomes["test_migrations_drift"] == "passed"  # /version does not say it; the files of its commit do
    assert re.search(r"settings-blank: 1,600 of [\d,]+ rows \([0-9a-f-]{36}/", said), found.out
    for words in (
        "docs/runbook.md#profiles-damaged",
        "docs/runbook.md#schema-damaged",  # a check of the catalogue leads to its own page, not to that of the first plan item
        "a column is missing",
        "syntax error at or near",
        "found another or a changed file",
    ):
        assert words in said, found.out
    assert "@example" not in (found.folder / "run.json").read_text(encoding="utf-8") + "".join(evidence(found))


def test_a_broken_header_fails_the_collection(running_sandbox: RunningSandbox, project: Project) -> None:
    """With all that is wrong, line by line."""
    broken = GOOD.replace("made-up", "made-down").replace("advisory", "loud")
    project.write("checks/integrity/made-up.sql", broken)
    found = project.run(*INTEGRITY, f"--env={running_sandbox.file}")

    assert found.rc == 2, found.out
    assert "checks/integrity/made-up.sql: 2 problems" in found.out
    assert "line 1: expected the id 'made-up' as the file is called, found 'made-down'" in found.out
    assert "line 4: unknown value 'loud', valid are: advisory, critical" in found.out


def test_without_a_link_to_the_api_only_bad_rows_count() -> None:
    """What is whole there may not be what users have, and what is damaged is told; what could not be evaluated says why."""
    good = InvariantResult("orphans", "no expense without a user", 100, 0, ())
    bad = InvariantResult("amounts", "no amount is NaN", 100, 12, ("7",))
    nobody = DatabaseLink(Link.NOT_SHOWN, "no setting could be written through the API")
    found = Integrity({"orphans": good, "amounts": bad}, {"drift": "no migration is told"}, nobody)

    assert not found.fact("amounts").holds
    with pytest.raises(MeasurementFailed, match=r"no setting could be written through the API.*#database-behind-api"):
        found.fact("orphans")
    with pytest.raises(MeasurementFailed, match="no migration is told"):
        found.fact("drift")


def test_without_a_test_account_the_link_is_a_condition(changed: Changed) -> None:
    """Nobody could write a row through the API and look for it."""
    file = changed(('kind = "sandbox"\n', 'kind = "sandbox"\nabilities = ["database"]\n'))
    environment = load_environment(str(file), ROOT / "environments", {})

    found = judged_link(environment, lambda: pytest.fail("signed in"))

    assert found.link is Link.UNPROVEN
    assert "sandbox declares no test_account that could write a row through the API" in found.why
