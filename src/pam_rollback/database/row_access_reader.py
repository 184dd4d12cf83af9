"""Reads who may reach which rows out of the catalogue, and tries the policies as somebody who owns nothing.

A policy is tried by its own condition: the rows for which it is true with a stranger's claims in the session are the rows that a stranger
is shown. That tells ``true``, ``1 = 1`` and "whoever is signed in" from "their owner", "an administrator" and "the product's servers",
which no reading of the text could. Everything runs in the READ ONLY transaction of the checks, with its limits.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_access import (
    CLIENTS,
    PRIVILEGES,
    PUBLIC,
    SERVICE,
    Policy,
    RowAccess,
    Shown,
    Strangers,
    TableAccess,
)
from pam_rollback.database.row_counting import Statements
from pam_rollback.http.postgres import Relation, Snapshot

MAY_SHOW_SOME = "profiles"
"""People may choose to show their profile."""
_ALIKE_LEAST = 3
"""What shares fewer columns with a table, and its id among them, is no copy and no view of its rows."""
_BASES = """
WITH RECURSIVE reached (asked, relation) AS (
    SELECT asked.name, asked.relation FROM unnest(%(names)s::text[], %(oids)s::oid[]) AS asked (name, relation)
    UNION
    SELECT reached.asked, used.refobjid
    FROM reached
    JOIN pg_catalog.pg_class AS view ON view.oid = reached.relation AND view.relkind = 'v'
    JOIN pg_catalog.pg_rewrite AS rule ON rule.ev_class = view.oid
    JOIN pg_catalog.pg_depend AS used
      ON used.classid = 'pg_catalog.pg_rewrite'::regclass AND used.objid = rule.oid AND used.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE used.refobjid <> view.oid
)
SELECT DISTINCT relation.oid::bigint, space.nspname::text, relation.relname::text, relation.relrowsecurity, relation.relforcerowsecurity
FROM reached
JOIN pg_catalog.pg_class AS relation ON relation.oid = reached.relation AND relation.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
ORDER BY 2, 3
"""
_OTHERS = """
SELECT relation.oid::bigint, space.nspname::text, relation.relname::text, relation.relrowsecurity, relation.relforcerowsecurity
FROM pg_catalog.pg_class AS relation
JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
WHERE space.nspname = ANY (%(schemas)s) AND relation.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relation.relispartition
  AND relation.oid <> ALL (%(bases)s::oid[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS of_one
      WHERE of_one.classid = 'pg_catalog.pg_class'::regclass AND of_one.objid = relation.oid AND of_one.deptype = 'e'
  )
ORDER BY 2, 3
"""
_POLICIES = """
SELECT policy.polrelid::bigint, policy.polname::text, policy.polpermissive,
       ARRAY(
           SELECT CASE WHEN one.role = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(one.role)::text END
           FROM unnest(policy.polroles) AS one (role) ORDER BY 1
       ),
       CASE policy.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
       coalesce(pg_catalog.pg_get_expr(policy.polqual, policy.polrelid), ''),
       coalesce(pg_catalog.pg_get_expr(policy.polwithcheck, policy.polrelid), '')
FROM pg_catalog.pg_policy AS policy
WHERE policy.polrelid = ANY (%(oids)s::oid[])
ORDER BY 1, 2
"""
# What a role can really do, however it came by it. Superusers can do everything, which says nothing.
_PRIVILEGES = """
WITH asked (relation) AS (SELECT unnest(%(oids)s::oid[])),
named (role) AS (
    SELECT entry.grantee FROM asked JOIN pg_catalog.pg_class AS relation ON relation.oid = asked.relation,
         LATERAL pg_catalog.aclexplode(relation.relacl) AS entry
    UNION
    SELECT entry.grantee FROM asked JOIN pg_catalog.pg_attribute AS field ON field.attrelid = asked.relation,
         LATERAL pg_catalog.aclexplode(field.attacl) AS entry
    UNION
    SELECT role FROM asked JOIN pg_catalog.pg_policy AS policy ON policy.polrelid = asked.relation, unnest(policy.polroles) AS one (role)
    UNION
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = ANY (%(roles)s::text[])
    UNION
    SELECT 0
),
-- Everybody's rights are told by themselves: "public" is no role that could be asked about by its number.
who (name) AS (
    SELECT 'public' FROM named WHERE role = 0
    UNION
    SELECT known.rolname::text FROM named JOIN pg_catalog.pg_roles AS known ON known.oid = named.role WHERE NOT known.rolsuper
)
SELECT asked.relation::bigint, who.name, one.privilege,
       has_table_privilege(who.name, asked.relation, one.privilege),
       ARRAY(
           SELECT field.attname::text FROM pg_catalog.pg_attribute AS field
           WHERE field.attrelid = asked.relation AND field.attnum > 0 AND NOT field.attisdropped
             AND one.privilege IN ('SELECT', 'INSERT', 'UPDATE')
             AND CASE WHEN one.privilege IN ('SELECT', 'INSERT', 'UPDATE')
                 THEN has_column_privilege(who.name, asked.relation, field.attnum, one.privilege) END
           ORDER BY 1
       )
FROM asked
JOIN pg_catalog.pg_class AS relation ON relation.oid = asked.relation
CROSS JOIN who
CROSS JOIN unnest(%(privileges)s::text[]) AS one (privilege)
WHERE has_schema_privilege(who.name, relation.relnamespace, 'USAGE')
"""
# What nothing of its own guards, and has a table's columns, of the same types. Of a view that asks with the rights of whoever looks, the
# tables behind it tell.
_UNGUARDED_LIKE = """
WITH fields AS (
    SELECT relation.oid, format('%%s.%%s', space.nspname, relation.relname) AS relation,
           relation.relkind IN ('r', 'p') AND relation.relrowsecurity
           OR coalesce(relation.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
           AS guarded,
           field.attname::text AS name, field.atttypid AS type
    FROM pg_catalog.pg_class AS relation
    JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
    JOIN pg_catalog.pg_attribute AS field ON field.attrelid = relation.oid AND field.attnum > 0 AND NOT field.attisdropped
    WHERE format('%%s.%%s', space.nspname, relation.relname) = ANY (%(tables)s::text[] || %(others)s::text[])
)
SELECT other.relation, mine.relation, array_agg(mine.name ORDER BY mine.name),
       count(*) = (SELECT count(*) FROM fields WHERE fields.oid = mine.oid)
FROM fields AS other JOIN fields AS mine ON mine.name = other.name AND mine.type = other.type
WHERE mine.relation = ANY (%(tables)s::text[]) AND other.relation = ANY (%(others)s::text[]) AND NOT other.guarded
GROUP BY other.relation, mine.relation, mine.oid
HAVING bool_or(mine.name = 'id') AND count(*) >= %(least)s
ORDER BY 1, 2
"""
_ROLES = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY (%(roles)s::text[]) ORDER BY 1"
_MEMBER_OF = """
SELECT known.rolname::text FROM pg_catalog.pg_roles AS known WHERE pg_has_role(%(role)s::text, known.oid, 'USAGE')
"""


def read_access(
    snapshot: Snapshot, tables: Iterable[str], names: Mapping[str, str], schemas: Iterable[str] = ()
) -> RowAccess:
    """Read the tables of users' rows, or what lies behind the views of that name, and all others of these schemas.

    Raises MeasurementFailed.
    """
    relations = _relations(snapshot, tables, names)
    given = {"names": list(relations), "oids": [relation.oid for relation in relations.values()]}
    bases = snapshot.rows(_BASES, given)
    others = snapshot.rows(_OTHERS, {"schemas": list(schemas), "bases": [oid for oid, *_ in bases]})
    asked = {
        "oids": [oid for oid, *_ in (*bases, *others)],
        "roles": [*CLIENTS, SERVICE],
        "privileges": list(PRIVILEGES),
    }
    policies: dict[int, dict[str, Policy]] = {}
    for oid, name, permissive, roles, command, using, check in snapshot.rows(_POLICIES, asked):
        policies.setdefault(oid, {})[name] = Policy(
            permissive=permissive, roles=tuple(roles), command=command, using=using, check=check
        )
    privileges: dict[int, dict[str, list[str]]] = {}
    for oid, role, privilege, whole, columns in snapshot.rows(_PRIVILEGES, asked):
        if whole or columns:
            held = privilege if whole else f"{privilege} ({', '.join(columns)})"
            privileges.setdefault(oid, {}).setdefault(role, []).append(held)

    def access_to(relations: Iterable[tuple[Any, ...]]) -> dict[str, TableAccess]:
        return {
            f"{schema}.{name}": TableAccess(
                row_security=row_security,
                forced=forced,
                policies=policies.get(oid, {}),
                privileges={role: tuple(sorted(held)) for role, held in privileges.get(oid, {}).items()},
            )
            for oid, schema, name, row_security, forced in relations
        }

    return RowAccess(
        taken_at=datetime.now(UTC),
        roles=tuple(role for (role,) in snapshot.rows(_ROLES, asked)),
        tables=access_to(bases),
        others=access_to(others),
    )


def strangers(snapshot: Snapshot, access: RowAccess, tables: Iterable[str], names: Mapping[str, str]) -> Strangers:
    """Try the policies of ``access`` as each of the roles that users come in as.

    Raises MeasurementFailed where nothing can be asked at all, as by a role from which rows are hidden anyway.
    """
    snapshot.refuse_blindness(_relations(snapshot, tables, names).values())
    roles = [role for role in CLIENTS if role in access.roles] or [PUBLIC]
    shown: list[Shown] = []
    left_out: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for name, table in access.tables.items():
        relation = sql.Identifier(*name.split(".", 1)).as_string(None)
        try:
            if not table.row_security:
                left_out[name] = "row level security is off, which is a check of its own"
            elif not snapshot.rows(f"SELECT 1 FROM {relation} LIMIT 1"):  # noqa: S608 - a quoted name
                left_out[name] = "it has no row that could be shown"
            else:
                shown += [_tried(snapshot, name, relation, table, role) for role in roles]
        except MeasurementFailed as failed:
            unknown[name] = f"{name}: {failed}"
    for other, table, columns, whole in _alike(snapshot, access):
        if whole or table.rpartition(".")[2] != MAY_SHOW_SOME:
            try:
                shown += _shown_past(
                    snapshot, other, table, columns, [one for one in roles if access.others[other].may(one, "SELECT")]
                )
            except MeasurementFailed as failed:
                # What has every column of a table is a copy of it; what has some may be anything.
                (unknown if whole else left_out)[other] = (
                    f"{other}, which is like {table} and which nothing guards: {failed}"
                )
    people = tuple(name for name in access.tables if name.rpartition(".")[2] == MAY_SHOW_SOME)
    return Strangers(tuple(shown), left_out, unknown, may_show_some=people)


def _relations(snapshot: Snapshot, tables: Iterable[str], names: Mapping[str, str]) -> dict[str, Relation]:
    return Statements.of(snapshot, tuple(tables), names).relations


def _tried(snapshot: Snapshot, name: str, relation: str, table: TableAccess, role: str) -> Shown:
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
    if not snapshot.rows(f"SELECT 1 FROM {relation} WHERE {condition} LIMIT 1"):  # noqa: S608 - the catalogue's own words
        return Shown(name, role, row=None, all_rows=False)
    hidden = snapshot.rows(f"SELECT 1 FROM {relation} WHERE ({condition}) IS NOT TRUE LIMIT 1")  # noqa: S608 - as above
    evidence = "one without an id"
    with suppress(MeasurementFailed):  # what is open is open without a name
        evidence = str(snapshot.rows(f"SELECT id::text FROM {relation} WHERE {condition} LIMIT 1")[0][0])  # noqa: S608 - as above
    return Shown(name, role, row=evidence, all_rows=not hidden)


def _alike(snapshot: Snapshot, access: RowAccess) -> list[tuple[Any, ...]]:
    """The other relations that may show rows of a table past its policies: both names, the columns that they share, and whether all are."""
    names = {"tables": list(access.tables), "others": list(access.others), "least": _ALIKE_LEAST}
    return snapshot.rows(_UNGUARDED_LIKE, names)


def _shown_past(
    snapshot: Snapshot, other: str, table: str, columns: Iterable[str], roles: Iterable[str]
) -> Iterable[Shown]:
    """What a copy or a view of the table shows the roles: a row that is the table's."""
    copy, original = (sql.Identifier(*name.split(".", 1)).as_string(None) for name in (other, table))
    same = " AND ".join(
        f"mine.{name}::text IS NOT DISTINCT FROM other.{name}::text"
        for name in (sql.Identifier(column).as_string(None) for column in columns if column != "id")
    )
    for role in roles:
        _claim(snapshot, role)
        found = snapshot.rows(
            f"SELECT other.id::text FROM {copy} AS other JOIN {original} AS mine ON mine.id = other.id AND {same} LIMIT 1"  # noqa: S608 - quoted names
        )
        yield Shown(other, role, row=found[0][0] if found else None, all_rows=False)


def _claim(snapshot: Snapshot, role: str) -> None:
    """Be somebody who owns nothing."""
    claims = {"role": role, "aud": role} | ({"sub": str(uuid.uuid4())} if role != CLIENTS[0] else {})
    snapshot.rows("SELECT set_config('request.jwt.claims', %(claims)s, true)", {"claims": json.dumps(claims)})


def _joined(conditions: Iterable[str], word: str) -> str:
    return f" {word} ".join(f"({condition})" for condition in conditions)
