"""Tries the policies of users' tables as somebody who owns nothing.

A policy is tried by its own condition: the rows for which it is true with a stranger's claims in the session are the rows that a stranger
is shown. That tells ``true``, ``1 = 1`` and "whoever is signed in" from "their owner", "an administrator" and "the product's servers",
which no reading of the text could. Everything runs in the READ ONLY transaction of the checks, with its limits.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress

from psycopg import sql

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import CLIENTS, PUBLIC, Catalogue, TableAccess
from pam_rollback.database.relations import Statements
from pam_rollback.database.row_access import Shown, Strangers
from pam_rollback.http.postgres import Snapshot

MAY_SHOW_SOME = "profiles"
"""People may choose to show their profile."""
_ALIKE_LEAST = 3
"""What shares fewer columns with a table, and its id among them, is no copy and no view of its rows."""
# What nothing of its own guards, and has a table's columns, of the same types. Of a view that asks with the rights of whoever looks, the
# tables behind it tell.
_UNGUARDED_LIKE = """
WITH fields AS (
    SELECT relation.oid, format('%%I.%%I', space.nspname, relation.relname) AS relation,
           relation.relkind IN ('r', 'p') AND relation.relrowsecurity
           OR coalesce(relation.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
           AS guarded,
           field.attname::text AS name, field.atttypid AS type
    FROM pg_catalog.pg_class AS relation
    JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
    JOIN pg_catalog.pg_attribute AS field ON field.attrelid = relation.oid AND field.attnum > 0 AND NOT field.attisdropped
    WHERE format('%%I.%%I', space.nspname, relation.relname) = ANY (%(tables)s::text[] || %(others)s::text[])
)
SELECT other.relation, mine.relation, array_agg(mine.name ORDER BY mine.name),
       count(*) = (SELECT count(*) FROM fields WHERE fields.oid = mine.oid)
FROM fields AS other JOIN fields AS mine ON mine.name = other.name AND mine.type = other.type
WHERE mine.relation = ANY (%(tables)s::text[]) AND other.relation = ANY (%(others)s::text[]) AND NOT other.guarded
GROUP BY other.relation, mine.relation, mine.oid
HAVING bool_or(mine.name = 'id') AND count(*) >= %(least)s
ORDER BY 1, 2
"""
_MEMBER_OF = """
SELECT known.rolname::text FROM pg_catalog.pg_roles AS known WHERE pg_has_role(%(role)s::text, known.oid, 'USAGE')
"""


def strangers(snapshot: Snapshot, catalogue: Catalogue, users: Iterable[str], names: Mapping[str, str]) -> Strangers:
    """Try the policies of ``catalogue`` as each of the roles that users come in as.

    Raises MeasurementFailed where nothing can be asked at all, as by a role from which rows are hidden anyway.
    """
    tables = catalogue.users_access
    snapshot.refuse_blindness(Statements.of(snapshot, tuple(users), names).relations.values())
    roles = [role for role in CLIENTS if role in catalogue.roles] or [PUBLIC]
    shown: list[Shown] = []
    left_out: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for name, table in tables.items():
        try:
            if not table.row_security:
                left_out[name] = "row level security is off, which is a check of its own"
            elif not snapshot.rows(f"SELECT 1 FROM {name} LIMIT 1"):  # noqa: S608 - a quoted name
                left_out[name] = "it has no row that could be shown"
            else:
                shown += [_tried(snapshot, name, table, role) for role in roles]
        except MeasurementFailed as failed:
            unknown[name] = f"{name}: {failed}"
    # The other relations that may show rows of a table past its policies: with the columns that they share, and whether all are.
    others = {name: access for name, access in catalogue.access.items() if name not in tables}
    given = {"tables": list(tables), "others": list(others), "least": _ALIKE_LEAST}
    for other, like, columns, whole in snapshot.rows(_UNGUARDED_LIKE, given):
        if whole or like.rpartition(".")[2] != MAY_SHOW_SOME:
            try:
                reading = [role for role in roles if others[other].may(role, "SELECT")]
                shown += _shown_past(snapshot, other, like, columns, reading)
            except MeasurementFailed as failed:
                # What has every column of a table is a copy of it; what has some may be anything.
                why = f"{other}, which is like {like} and which nothing guards: {failed}"
                (unknown if whole else left_out)[other] = why
    people = tuple(name for name in tables if name.rpartition(".")[2] == MAY_SHOW_SOME)
    return Strangers(tuple(shown), left_out, unknown, may_show_some=people)


def _tried(snapshot: Snapshot, name: str, table: TableAccess, role: str) -> Shown:
    """What the policies for reading show the role, which owns nothing."""
    if not table.may(role, "SELECT"):
        return Shown(name, role, row=None, all_rows=False)
    mine = {PUBLIC, role}
    if role != PUBLIC:
        mine |= {one for (one,) in snapshot.rows(_MEMBER_OF, {"role": role})}
    for_reading = [
        policy
        for policy in table.policies.values()
        if policy.command in {"SELECT", "ALL"} and mine.intersection(policy.roles)
    ]
    allowed = [policy.using or "true" for policy in for_reading if policy.permissive]
    if not allowed:
        return Shown(name, role, row=None, all_rows=False)
    narrowed = [policy.using or "true" for policy in for_reading if not policy.permissive]
    condition = f"({_joined(allowed, 'OR')}) AND ({_joined(narrowed, 'AND') if narrowed else 'true'})"
    _claim(snapshot, role)
    # The names in a policy's condition are those of its table, so that stands there under its own.
    if not snapshot.rows(f"SELECT 1 FROM {name} WHERE {condition} LIMIT 1"):  # noqa: S608 - the catalogue's own words
        return Shown(name, role, row=None, all_rows=False)
    hidden = snapshot.rows(f"SELECT 1 FROM {name} WHERE ({condition}) IS NOT TRUE LIMIT 1")  # noqa: S608 - as above
    evidence = "one without an id"
    with suppress(MeasurementFailed):  # what is open is open without a name
        evidence = str(snapshot.rows(f"SELECT id::text FROM {name} WHERE {condition} LIMIT 1")[0][0])  # noqa: S608 - as above
    return Shown(name, role, row=evidence, all_rows=not hidden)


def _shown_past(
    snapshot: Snapshot, other: str, table: str, columns: Iterable[str], roles: Iterable[str]
) -> Iterable[Shown]:
    """What a copy or a view of the table shows the roles: a row that is the table's."""
    same = " AND ".join(
        f"mine.{name}::text IS NOT DISTINCT FROM other.{name}::text"
        for name in (sql.Identifier(column).as_string(None) for column in columns if column != "id")
    )
    for role in roles:
        _claim(snapshot, role)
        found = snapshot.rows(
            f"SELECT other.id::text FROM {other} AS other JOIN {table} AS mine ON mine.id = other.id AND {same} LIMIT 1"  # noqa: S608 - quoted names
        )
        yield Shown(other, role, row=found[0][0] if found else None, all_rows=False)


def _claim(snapshot: Snapshot, role: str) -> None:
    """Be somebody who owns nothing."""
    claims = {"role": role, "aud": role} | ({"sub": str(uuid.uuid4())} if role != CLIENTS[0] else {})
    snapshot.rows("SELECT set_config('request.jwt.claims', %(claims)s, true)", {"claims": json.dumps(claims)})


def _joined(conditions: Iterable[str], word: str) -> str:
    return f" {word} ".join(f"({condition})" for condition in conditions)
