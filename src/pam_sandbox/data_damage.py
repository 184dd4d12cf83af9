"""Damage to the rows and the catalogue of the practice database, and the way back to exactly what was there.

Each damage is a file `NAME.sql` of the folder `damage`: a summary in its first line, then the sections `-- plant`, `-- offenders` (a query
whose rows are what is wrong now) and `-- heal`. `-- needs: superuser` stands in a file that changes what only a superuser may,
`-- product: pam-today` in one for tables as only that product has them. The statements run with a schema of the damage's own in front,
which holds what healing needs (whatever a file creates without naming a schema), and two tables there: `spared`, the accounts that can
sign in, so that journeys and the ledger can go on, and `others`, every other account that exists. The product goes on writing meanwhile: a
heal touches only what its damage touched.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pam_sandbox.database import AUDITOR, OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, migrations
from pam_sandbox.practice_database import Access
from pam_sandbox.problems import SandboxError

_FOLDER = Path(__file__).with_name("damage")
_SUMMARY = "-- summary: "
_SUPERUSER = "-- needs: superuser"
_TODAY = "-- product: pam-today"
_SECTIONS = ("plant", "offenders", "heal")


@dataclass(frozen=True)
class Damage:
    """One damage. `offenders` is a query that gives a row for each thing that is wrong while it is planted."""

    name: str
    summary: str
    needs_superuser: bool
    is_for_today: bool
    """Whether it is done to tables as only today's product has them."""
    plant: str
    offenders: str
    heal: str

    @property
    def identifier(self) -> str:
        """The name as a part of a schema's name."""
        return self.name.replace("-", "_")


def damage_names() -> tuple[str, ...]:
    """Every damage that there is."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.sql")))


def read_damage(name: str) -> Damage:
    """What the file of this damage says. Raises SandboxError when there is none or a part of it is missing."""
    file = _FOLDER / f"{name}.sql"
    known = damage_names()
    if name not in known:
        raise SandboxError(f"damage {name!r}", expected=f"one of {', '.join(known)}", found="none such")
    head, *parts = re.split(r"^-- (plant|offenders|heal)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    first, *more = head.splitlines() or [""]
    sections = dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
    if not first.startswith(_SUMMARY) or tuple(parts[::2]) != _SECTIONS or not all(sections.values()):
        raise SandboxError(
            str(file),
            expected=f"{_SUMMARY}…, then the sections {', '.join(_SECTIONS)}, each with statements",
            found=f"{first!r}, then {', '.join(parts[::2]) or 'no section'}",
        )
    return Damage(
        name=name,
        summary=first.removeprefix(_SUMMARY),
        needs_superuser=_SUPERUSER in more,
        is_for_today=_TODAY in more,
        plant=sections["plant"],
        offenders=sections["offenders"],
        heal=sections["heal"],
    )


_UNDO = "range_undo_"
_CONNECT_WITHIN_S = 5
# Each below what a client of the control API waits for: it learns why instead of hanging up.
_SETTINGS = "-c lock_timeout=8s -c statement_timeout=20s -c application_name=pam-sandbox-damage"
_SPARED = [TEST_ACCOUNT_EMAIL, OTHER_ACCOUNT_EMAIL]


def plant(access: Access, name: str) -> int:
    """Do the damage; gives the number of its offenders. All of it is done or nothing; what is planted already stays as it is.

    Raises SandboxError, also when nothing is left that could be damaged in this way, or when it could not be healed: the damages that
    are planted already may stand in the way of both.
    """
    damage = read_damage(name)
    with _transaction(access, damage) as connection:
        is_new = not _is_planted(connection, damage)
        if is_new:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(_schema(damage)))
            connection.execute("CREATE TABLE spared (user_id uuid); CREATE TABLE others (user_id uuid)")
            connection.execute("INSERT INTO spared SELECT id FROM auth.users WHERE email = ANY(%s)", (_SPARED,))
            connection.execute(
                "INSERT INTO others SELECT id FROM auth.users WHERE id NOT IN (SELECT user_id FROM spared)"
            )
            connection.execute(damage.plant.encode())
        found = len(connection.execute(damage.offenders.encode()).fetchall())
        if is_new and not found:
            raise SandboxError(
                f"damage {name}",
                expected="something to damage",
                found="nothing; another damage has taken it away",
                advice="Clear the fault `data` first.",
            )
        if is_new:
            _rehearse_heal(connection, damage)
    return found


def heal(access: Access, name: str) -> None:
    """Bring back what the damage took; nothing happens when it is not planted. Raises SandboxError, and nothing is changed."""
    damage = read_damage(name)
    with _transaction(access, damage) as connection:
        if _is_planted(connection, damage):
            connection.execute(damage.heal.encode())
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(_schema(damage)))


def _rehearse_heal(connection: psycopg.Connection[Any], damage: Damage) -> None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(damage.heal.encode())
    except psycopg.Error as error:
        raise SandboxError(
            f"damage {damage.name}",
            expected="a damage that can be healed",
            found=f"one that cannot be, on top of what is planted already: {error.diag.message_primary or error}",
            advice="Clear the fault `data` first.",
        ) from error


@contextmanager
def _transaction(access: Access, damage: Damage) -> Iterator[psycopg.Connection[Any]]:
    # As the tables' owner where that is enough: what works without a superuser is shown to work without one.
    dsn = access.administrator_dsn if damage.needs_superuser else access.product_dsn
    place = f"damage {damage.name}"
    try:
        with psycopg.connect(dsn, connect_timeout=_CONNECT_WITHIN_S, options=_SETTINGS) as connection:
            connection.execute(
                "SELECT set_config('search_path', %s, true), set_config('range.auditor', %s, true),"
                " set_config('range.newest_migration', %s, true)",
                (f"{_UNDO}{damage.identifier}, pg_catalog", AUDITOR, migrations()[-1].version),
            )
            yield connection
    except psycopg.OperationalError as error:
        raise SandboxError(
            place,
            expected="a database that answers and locks that can be had",
            found=str(error).strip(),
            advice="Clear the fault database-down first, or end the session that holds the lock.",
        ) from error
    except psycopg.Error as error:
        raise SandboxError(
            place, expected="statements that the database carries out", found=str(error).strip()
        ) from error


def _is_planted(connection: psycopg.Connection[Any], damage: Damage) -> bool:
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (f"{_UNDO}{damage.identifier}",)).fetchone()
    return row is not None and bool(row[0])


def _schema(damage: Damage) -> sql.Identifier:
    return sql.Identifier(f"{_UNDO}{damage.identifier}")
