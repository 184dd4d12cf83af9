"""Whether the deploy can be taken back: broken migrations turn their questions red, on a copy of the database and nowhere else."""

import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.gate.scene import (
    APPLIED,
    BACK,
    DATA,
    DATABASE,
    RED,
    UNKNOWN,
    WHOLE,
    Commit,
    changed,
    commit,
    gate,
    one_line,
    with_outcome,
)
from tests.sessions import Project, Range

FOLDER = "backend/migrations"
TRIPS = f"{FOLDER}/20261123090000_trips"
MORE = f"{FOLDER}/20261124090000_more"


def more(up: str, down: str) -> dict[str, str]:
    """One more migration."""
    return {f"{MORE}.up.sql": f"{up};\n", f"{MORE}.down.sql": f"{down};\n"}


COMMITS = [
    Commit(
        "half a way back",
        changed(
            f"{TRIPS}.down.sql",
            "ALTER TABLE public.expenses DROP COLUMN trip_id;\nDROP TABLE public.trips;",
            "DROP TABLE public.trips CASCADE;",
        ),
        {BACK},
        "column public.expenses.trip_id is new",
    ),
    Commit(
        "no way back",
        {f"{MORE}.up.sql": "CREATE INDEX x ON public.expenses (category);"},
        {BACK},
        "there is no 20261124090000_more.down.sql",
    ),
    Commit(
        "data is dropped",
        more(
            "ALTER TABLE public.support_tickets DROP COLUMN subject",
            "ALTER TABLE public.support_tickets ADD COLUMN subject text",
        ),
        {DATA, BACK},
        "it drops data: column public.support_tickets.subject is gone",
    ),
    Commit(
        "an index goes for good reasons",
        more("DROP INDEX public.expenses_by_user", "CREATE INDEX expenses_by_user ON public.expenses (user_id, date)"),
        {WHOLE},
        "with the candidate's migrations 1 invariants do not hold",
    ),
    Commit(
        "it cannot be applied",
        more("SELECT 1 / 0", "SELECT 1"),
        {APPLIED},
        "20261124090000_more: division by zero",
        unknown={DATA, WHOLE, BACK},
    ),
    Commit(
        "a file that is no migration",
        {f"{FOLDER}/notes.sql": "SELECT 1;"},
        set(),
        "notes.sql: expected VERSION_NAME",
        unknown=DATABASE,
    ),
]


@pytest.mark.long_matrix
@pytest.mark.parametrize("broken", COMMITS, ids=lambda broken: broken.id)
def test_a_broken_migration_turns_its_questions_red_and_no_others(
    broken: Commit, practice_range: Range, project: Project
) -> None:
    """The environment's own database is left alone."""
    before = _schema(practice_range)
    found = gate(project, practice_range, sorted(DATABASE), "--to", commit(practice_range, broken.files))

    assert with_outcome(found, RED) == broken.red, found.out
    assert with_outcome(found, UNKNOWN) == broken.unknown, found.out
    assert broken.words in one_line(found), found.out
    assert _schema(practice_range) == before


def test_what_is_served_can_be_taken_back(practice_range: Range, project: Project) -> None:
    """Its one migration was really tried: the same four tests say so."""
    practice_range.remote.reset()
    found = gate(project, practice_range, sorted(DATABASE))

    assert set(found.outcomes().values()) == {"passed"}, found.out
    assert "1 migrations are applied to it" in one_line(found)


def test_the_environments_own_database_is_refused(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Whoever names it by mistake loses nothing."""
    text = practice_range.file.read_text(encoding="utf-8")
    variables = tomllib.loads(text)["sandbox"]["variables"]
    own = variables["PAM_STAGING_COPY_DSN"].replace("/pam_copy", "/pam")
    assert own != variables["PAM_STAGING_COPY_DSN"]
    file = tmp_path / "own.toml"
    file.touch(mode=0o600)
    file.write_text(text.replace(variables["PAM_STAGING_COPY_DSN"], own), encoding="utf-8")
    before = _schema(practice_range)

    found = gate(project, practice_range, sorted(DATABASE), file=file)

    assert found.rc == 13, found.out
    assert "the environment's own database" in one_line(found)
    assert _schema(practice_range) == before


def _schema(practice_range: Range) -> list[tuple[object, ...]]:
    """The migrations and tables that the environment has."""
    with psycopg.connect(practice_range.variables["PAM_DATABASE_DSN"]) as connection:
        applied = connection.execute("SELECT version FROM public.schema_migrations ORDER BY 1").fetchall()
        return (
            applied
            + connection.execute(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall()
        )
