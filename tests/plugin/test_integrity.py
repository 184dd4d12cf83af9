"""The SQL checks as sessions: what is GO, what is NO-GO, and all that keeps us from knowing."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pam_rollback.observation.baseline import Part
from tests.sessions import Finished, Project, Range, save_baseline, store_baseline

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
def changed(practice_range: Range, tmp_path: Path) -> Changed:
    """The sandbox's file with other texts in it."""

    def change(*replacements: tuple[str, str], more: str = "") -> Path:
        text = practice_range.file.read_text(encoding="utf-8")
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


@pytest.fixture
def healthy(practice_range: Range, project: Project) -> Finished:
    """A session on the healthy sandbox."""
    return project.run(*INTEGRITY, f"--env={practice_range.file}")


def test_a_healthy_database_is_a_go(healthy: Finished, project: Project) -> None:
    """Each file is a test by its own path, with its figures and its line in the evidence, and the release is named."""
    files = {path.stem for path in (project.folder / "checks" / "integrity").glob("*.sql")}
    nodes = {result["nodeid"] for result in healthy.record["results"]}
    [table] = evidence(healthy)

    assert healthy.rc == 0, healthy.out
    assert healthy.last_line.startswith("REHEARSAL GO for integrity"), healthy.last_line
    assert healthy.record["release"]
    assert "checks/integrity/expenses-amount.sql::test_expenses_amount[as-is]" in nodes
    line = re.search(r"^expenses-amount,yes,(\d+),0,", table, re.MULTILINE)
    assert line, table
    assert int(line[1]) >= SEEDED_EXPENSES, "what tests before this one wrote comes on top"
    assert {line.partition(",")[0] for line in table.splitlines()[1:]} <= files


def test_what_cannot_be_judged_here_is_named(healthy: Finished) -> None:
    """Rows that nobody counted before. The other dialect's tables are not missing: nobody has both."""
    reasons = {entry["nodeid"].rpartition("::")[2]: entry["reason"] for entry in healthy.record["deselected"]}

    assert "no rows were counted before" in reasons["test_no_row_is_lost[as-is]"]
    assert "test_conversations_incomplete[as-is]" not in reasons


def test_a_file_of_the_other_dialect_says_why_it_does_not_run(practice_range: Range, project: Project) -> None:
    """Whoever names it wants to know."""
    found = project.run("checks/integrity/conversations-incomplete.sql", f"--env={practice_range.file}")

    assert found.rc == 5
    assert "about tables that sandbox does not have" in found.out


def test_two_workers_share_one_evaluation(practice_range: Range, project: Project) -> None:
    """All on one worker, so that all speak of the same moment."""
    found = project.run(*INTEGRITY, "-n", "2", f"--env={practice_range.file}")

    assert found.rc == 0, found.out
    assert len(evidence(found)) == 1


def test_the_message_names_count_ids_and_page(practice_range: Range, project: Project) -> None:
    """No content of a row, anywhere in what the session left."""
    practice_range.remote.plant("data", what="settings-wiped")
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.rc == 10, found.out
    assert re.search(r"settings-blank: 1,600 of [\d,]+ rows \([0-9a-f-]{36}/", words_of(found)), found.out
    assert "docs/runbook.md#profiles-damaged" in found.out
    assert "@example" not in (found.folder / "run.json").read_text(encoding="utf-8") + "".join(evidence(found))


def test_a_catalogue_check_leads_to_its_own_page(practice_range: Range, project: Project) -> None:
    """Not to that of the first plan item."""
    practice_range.remote.plant("data", what="row-security-off")
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert "docs/runbook.md#schema-damaged" in found.out, found.out


def test_a_name_that_is_not_there_is_inconclusive(changed: Changed, project: Project) -> None:
    """With the name to set; what does not read it is judged."""
    names = '[sql.names]\n"expenses.amount" = "total"\n"support_tickets" = "tickets"'
    found = project.run(*INTEGRITY, f"--env={changed(more=names)}")
    outcomes = found.outcomes()

    assert found.rc == 11, found.out
    assert outcomes["test_expenses_amount"] == outcomes["test_tickets_orphaned"] == "could not measure"
    assert outcomes["test_expenses_orphaned"] == "passed"
    assert "column expenses.total is missing" in words_of(found)
    assert 'set [sql.names] "support_tickets" = "…"' in words_of(found)


def test_a_database_that_is_down_is_inconclusive(practice_range: Range, project: Project) -> None:
    """Whether the data is whole is not known, for every SQL check in one sentence, without the password."""
    dsn = urlsplit(practice_range.variables["PAM_DATABASE_DSN"])
    practice_range.remote.plant("database-down")
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.rc == 11, found.out
    assert set(found.outcomes().values()) == {"could not measure"}
    assert f"cannot ask the database at {dsn.hostname}:{dsn.port}/pam" in words_of(found)
    assert str(dsn.password) not in found.out


def test_a_lost_release_makes_one_check_unknown(practice_range: Range, project: Project) -> None:
    """Nobody says which migration it was built with."""
    practice_range.remote.plant("answers-html", server="api", path="/version")
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")
    unknown = {name for name, outcome in found.outcomes().items() if outcome != "passed"}

    assert (found.rc, unknown) == (11, {"test_migrations_drift"}), found.out
    assert "does not say which migration it was built with" in words_of(found)


def test_a_migration_that_only_added_may_be_listed(practice_range: Range, changed: Changed, project: Project) -> None:
    """After a rollback of the code the database is ahead; the environment says which versions are compatible."""
    practice_range.remote.plant("data", what="migration-ahead")
    allowed = changed(('dialect = "product"', 'dialect = "product"\ncompatible_migrations = ["99990101000000"]'))
    found = project.run(*INTEGRITY, f"--env={allowed}")

    assert found.rc == 0, found.out


def test_a_broken_header_fails_the_collection(practice_range: Range, project: Project) -> None:
    """With all that is wrong, line by line."""
    broken = GOOD.replace("made-up", "made-down").replace("advisory", "loud")
    project.write("checks/integrity/made-up.sql", broken)
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.rc == 2, found.out
    assert "checks/integrity/made-up.sql: 2 problems" in found.out
    assert "line 1: expected the id 'made-up' as the file is called, found 'made-down'" in found.out
    assert "line 4: unknown value 'loud', valid are: advisory, critical" in found.out


def test_a_file_that_would_write_is_not_run(practice_range: Range, project: Project) -> None:
    """That one is unknown; nothing was written; the others are judged."""
    project.write(
        "checks/integrity/made-up.sql", GOOD.replace("SELECT id\n", "DELETE\n").replace("ORDER BY amount DESC\n", "")
    )
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.outcomes()["test_made_up"] == "could not measure", found.out
    assert found.outcomes()["test_expenses_amount"] == "passed"
    assert "expected SELECT or WITH … SELECT, found DELETE" in words_of(found)


def test_an_advisory_check_never_decides(practice_range: Range, project: Project) -> None:
    """It is red in the report, and the session is a GO."""
    project.write("checks/integrity/made-up.sql", GOOD)
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.outcomes()["test_made_up"] == "broken criterion"
    assert found.rc == 0, found.out


def test_other_sessions_do_not_pay_for_it(practice_range: Range, project: Project) -> None:
    """Neither the driver nor the parser is loaded, and no SQL file is read, when something else is asked."""
    project.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    found = project.run("-m", "health", f"--env={practice_range.file}")

    assert found.rc == 0, found.out
    assert "sqlglot" not in found.out
    assert "psycopg" not in found.out
    assert not re.search(r"\.sql\b", found.out)


def test_a_drill_counts_before_and_after(practice_range: Range, project: Project) -> None:
    """Without being told to, and before anything was planted."""
    found = project.run("drills/test_feature_flag.py", *INTEGRITY, f"--env={practice_range.file}")
    [rows] = found.folder.glob("after-*/rows-before.json")

    assert found.outcomes()["test_no_row_is_lost"] == "passed", found.out
    assert found.outcomes()["test_no_row_is_rewritten"] == "passed", found.out
    assert json.loads(rows.read_text(encoding="utf-8"))["tables"]["expenses"]["rows"] > 3000


def test_damaged_counts_are_no_verdict(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """A file that is not what it should be proves nothing: not the one that the index lists, or listed and of another kind."""
    stored = store_baseline(practice_range, tmp_path)
    rows = stored.with_name("rows-before.json")
    rows.write_text("{}", encoding="utf-8")
    found = project.run(*INTEGRITY, "--baseline", str(stored), f"--env={practice_range.file}")
    save_baseline(practice_range, tmp_path, parts={rows.name: Part.of(rows, n=1)})
    listed = project.run(*INTEGRITY, "--baseline", str(stored), f"--env={practice_range.file}")

    for session, words in ((found, "found another or a changed file"), (listed, "expected counts of rows")):
        assert session.outcomes()["test_no_row_is_lost"] == "could not measure", session.out
        assert session.outcomes()["test_no_row_is_rewritten"] == "could not measure", session.out
        assert words in words_of(session)


def test_without_a_test_account_only_bad_rows_count(changed: Changed, practice_range: Range, project: Project) -> None:
    """Nothing ties the database to the API: what is whole there may not be what users have, and what is damaged is told."""
    file = changed(('kind = "sandbox"\n', 'kind = "sandbox"\nabilities = ["database"]\n'))
    practice_range.remote.plant("data", what="amounts-nan")
    found = project.run(*INTEGRITY, f"--env={file}")
    outcomes = found.outcomes()

    assert outcomes["test_expenses_amount"] == "broken criterion", found.out
    assert outcomes["test_expenses_orphaned"] == "could not measure"
    assert "sandbox declares no test_account that could write a row through the API" in words_of(found)
    assert "docs/runbook.md#database-behind-api" in words_of(found)


def test_an_api_that_takes_no_row_leaves_good_rows_unknown(practice_range: Range, project: Project) -> None:
    """Nothing is green that may be about another database."""
    for path in ("/api/v1/settings", "/api/v1/expenses"):
        practice_range.remote.plant("answers-html", path=path, server="api")
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.rc == 11, found.out
    assert found.outcomes()["test_expenses_orphaned"] == "could not measure"
    assert "no setting could be written through the API" in words_of(found)


def test_an_expense_ties_what_a_setting_does_not(practice_range: Range, project: Project) -> None:
    """And is gone again before the rows are looked at."""
    practice_range.remote.plant("answers-html", path="/api/v1/settings", server="api")
    found = project.run(*INTEGRITY, f"--env={practice_range.file}")

    assert found.rc == 0, found.out
