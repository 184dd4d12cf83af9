"""Whether the deploy can be taken back: broken migrations turn their questions red, on a copy of the database and nowhere else."""

from pathlib import Path

import psycopg
import pytest

from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.gate.migration_copy import MigrationCopy, invariants_on_copy, reached_on_copy
from pam_rollback.redeploy.gate.migration_files import ToApply, migrations_in, pending_of
from pam_rollback.redeploy.gate.migration_trial import MigrationTrial, tried
from pam_rollback.target.environment_file import load_environment
from tests.gate.scene import (
    APPLIED,
    BACK,
    DATA,
    DATABASE,
    DOORS,
    FILES,
    GREEN,
    RED,
    STABLE,
    UNKNOWN,
    WHOLE,
    Commit,
    answer,
    changed,
)
from tests.sessions import ROOT, RunningSandbox

FOLDER = "backend/migrations"
TRIPS = f"{FOLDER}/20261123090000_trips"
MORE = f"{FOLDER}/20261124090000_more"


def more(up: str, down: str) -> dict[str, str]:
    """One more migration."""
    return {f"{MORE}.up.sql": f"{up};\n", f"{MORE}.down.sql": f"{down};\n"}


COMMITS = [
    Commit("as it is served", {}, set(), ""),
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
        {DATA, BACK, STABLE},
        "it drops or overwrites data: column public.support_tickets.subject is gone",
    ),
    Commit(
        "data is written in another way",
        more(
            "UPDATE public.pam_messages SET content = encode(convert_to(content, 'UTF8'), 'base64')",
            "UPDATE public.pam_messages SET content = convert_from(decode(content, 'base64'), 'UTF8')",
        ),
        {DATA},
        "column public.pam_messages.content says something else than before",
    ),
    Commit(
        "a key goes for good reasons",
        more(
            "ALTER TABLE public.support_tickets DROP CONSTRAINT support_tickets_pkey",
            "ALTER TABLE public.support_tickets ADD CONSTRAINT support_tickets_pkey PRIMARY KEY (id)",
        ),
        {WHOLE, STABLE},
        "with the candidate's migrations 1 invariants do not hold",
    ),
    Commit(
        "it cannot be applied",
        more("SELECT 1 / 0", "SELECT 1"),
        {APPLIED},
        "20261124090000_more: division by zero",
        unknown={DATA, WHOLE, BACK, STABLE, DOORS},
    ),
    Commit(
        "a table that anybody reads",
        more("CREATE TABLE public.drafts (id int); GRANT SELECT ON public.drafts TO anon", "DROP TABLE public.drafts"),
        {DOORS},
        "table public.drafts is new, without row level security, and open to anon",
    ),
    Commit(
        "a policy for everybody",
        more(
            "CREATE POLICY everybody ON public.expenses TO authenticated USING (true)",
            "DROP POLICY everybody ON public.expenses",
        ),
        {DOORS},
        "open rows to whom they do not belong: public.expenses: shows authenticated",
    ),
    Commit(
        "a trigger that refuses what is in",
        more(
            "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'an expense needs a trip'; END $$;\n"
            "CREATE TRIGGER no AFTER INSERT ON public.expenses FOR EACH ROW EXECUTE FUNCTION public.no()",
            "DROP TRIGGER no ON public.expenses;\nDROP FUNCTION public.no()",
        ),
        {STABLE},
        "INSERT INTO public.expenses (amount, category, created_at, …): an expense needs a trip",
    ),
    Commit(
        "a trigger that nobody could try",
        more(
            "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;\n"
            "CREATE TRIGGER no AFTER INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.no()",
            "DROP TRIGGER no ON public.profiles;\nDROP FUNCTION public.no()",
        ),
        set(),
        "trigger public.profiles.no is new, and no new row could be inserted",
        unknown={STABLE},
    ),
    Commit(
        "a file that is no migration",
        {f"{FOLDER}/notes.sql": "SELECT 1;"},
        set(),
        "notes.sql: expected VERSION_NAME",
        unknown=DATABASE,
    ),
]


@pytest.mark.parametrize("broken", COMMITS, ids=lambda broken: broken.id)
def test_a_broken_migration_turns_its_questions_red_and_no_others(broken: Commit, shared_range: RunningSandbox) -> None:
    """Tried on a copy that is made anew for each; the environment's own database is left alone."""
    before = schema(shared_range)
    try:
        found: MigrationTrial | Exception = tried_on_a_copy(broken, shared_range)
    except Exception as error:  # noqa: BLE001 - each question says what it makes of it
        found = error
    answers = {question: answer(question, lambda: given(found)) for question in DATABASE}

    assert {question for question, (outcome, _) in answers.items() if outcome == RED} == broken.red, answers
    assert {question for question, (outcome, _) in answers.items() if outcome == UNKNOWN} == broken.unknown, answers
    assert {outcome for outcome, _ in answers.values()} <= {GREEN, RED, UNKNOWN}
    assert any(broken.words in words for _, words in answers.values()), answers
    assert schema(shared_range) == before


def given(found: MigrationTrial | Exception) -> MigrationTrial:
    """What came of it, for the next question."""
    if isinstance(found, Exception):
        raise found
    return found


def tried_on_a_copy(broken: Commit, running_sandbox: RunningSandbox) -> MigrationTrial:
    """The migrations of the candidate with those of the commit, as the gate tries them."""
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    plan = load_plan(ROOT / "plan.toml")
    files = {Path(name).name: text for name, text in {**FILES, **broken.files}.items() if name.startswith(FOLDER)}
    migrations = migrations_in(files, FOLDER)
    running_sandbox.remote.copy_database()
    copy = MigrationCopy(environment.secret("staging_copy_dsn"), "schema_migrations", 60)
    return tried(
        copy,
        ToApply(pending_of(migrations, copy.applied())),
        known=len(migrations),
        integrity=lambda: invariants_on_copy(environment, plan, ROOT, migrations[-1].version, noted_in=copy.noted_in),
        reached=lambda: reached_on_copy(environment),
        narrate=lambda _: None,
    )


def schema(running_sandbox: RunningSandbox) -> list[tuple[object, ...]]:
    """The migrations and tables that the environment has."""
    with psycopg.connect(running_sandbox.variables["PAM_DATABASE_DSN"]) as connection:
        applied = connection.execute("SELECT version FROM public.schema_migrations ORDER BY 1").fetchall()
        return (
            applied
            + connection.execute(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall()
        )
