"""Takes one snapshot of the catalogue, as any role may: it reads ``pg_catalog`` alone, and no row.

Only the list of applied migrations is a table of the product; where the role may not read it, it is left out. Each query gives names and
what a ``SchemaObject`` has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import (
    CLIENTS,
    PRIVILEGES,
    PUBLIC,
    SERVICE,
    Catalogue,
    Kind,
    Policy,
    SchemaObject,
    TableAccess,
)
from pam_rollback.database.relations import Statements
from pam_rollback.http.postgres import ConnectionLost, Snapshot


def _acl(entries: str, kind: str, owner: str) -> str:
    """Return who has which privilege. Those that nobody ever changed are none in the catalogue, and spelled out once one was."""
    held = f"unnest(coalesce({entries}, acldefault({kind}, {owner}))::text[]) AS entry"
    return f"coalesce((SELECT string_agg(entry, ' ' ORDER BY entry) FROM {held}), '')"  # noqa: S608 - constants


def _whole(*parts: str) -> str:
    return f"'whole', CASE WHEN %(whole)s THEN concat_ws(' ', {', '.join(parts)}) ELSE '' END"


_NOT_OF_EXTENSIONS = """NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS of_one
    WHERE of_one.classid = 'pg_catalog.{catalogue}'::regclass AND of_one.objid = {oid} AND of_one.deptype = 'e'
)"""
_TABLES = f"""
SELECT format('%%I.%%I', space.nspname, relation.relname) AS name, relation.*
FROM pg_catalog.pg_class AS relation
JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
WHERE space.nspname = ANY (%(schemas)s) AND (%(whole)s OR NOT relation.relispartition)
  AND {_NOT_OF_EXTENSIONS.format(catalogue="pg_class", oid="relation.oid")}
"""  # noqa: S608 - constants
"""Partitions come and go with time; what they are made of stands in the table that they are parts of."""
_COLUMNS_OF = """ARRAY(
    SELECT field.attname::text FROM pg_catalog.pg_attribute AS field
    WHERE field.attrelid = {table} AND field.attnum = ANY ({numbers}) ORDER BY 1
)"""
_WHO = "ARRAY(SELECT who FROM unnest(%(who)s::text[]) AS who WHERE {right} ORDER BY 1)"

_SCHEMAS = f"""
SELECT quote_ident(space.nspname), jsonb_build_object(
    'owner', pg_catalog.pg_get_userbyid(space.nspowner)::text,
    'may', {_WHO.format(right="has_schema_privilege(who, space.oid, 'CREATE')")},
    {_whole(_acl("space.nspacl", "'n'", "space.nspowner"))}
)
FROM pg_catalog.pg_namespace AS space WHERE space.nspname = ANY (%(schemas)s)
"""  # noqa: S608 - constants
_ROLES = """
SELECT role.rolname::text, jsonb_build_object('may', ARRAY(
    SELECT other.rolname::text FROM pg_catalog.pg_roles AS other
    WHERE other.oid <> role.oid AND pg_has_role(role.oid, other.oid, 'MEMBER')
    UNION ALL SELECT 'BYPASSRLS' WHERE role.rolbypassrls OR role.rolsuper
    ORDER BY 1
))
FROM pg_catalog.pg_roles AS role WHERE role.rolname = ANY (%(clients)s)
"""
_OF_A_RELATION = (
    "relation.relkind",
    "relation.relrowsecurity",
    "relation.relforcerowsecurity",
    "relation.reloptions::text",
    "pg_catalog.pg_get_userbyid(relation.relowner)",
    "CASE WHEN relation.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(relation.oid) END",
    _acl("relation.relacl", "CASE relation.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"", "relation.relowner"),
)
_RELATIONS = f"""
SELECT format('%%I.%%I', space.nspname, relation.relname), relation.oid::bigint, relation.relkind IN ('v', 'm'),
       relation.relrowsecurity, relation.relforcerowsecurity, space.nspname = ANY (%(schemas)s), jsonb_build_object(
           'owner', pg_catalog.pg_get_userbyid(relation.relowner)::text,
           'definition', coalesce(md5(CASE WHEN relation.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(relation.oid) END), ''),
           -- A materialized view has rows of its own, which nothing guards.
           'as_owner', relation.relkind = 'm' OR relation.relkind = 'v' AND NOT coalesce(
               relation.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false
           ),
           {_whole(*_OF_A_RELATION)}
       )
FROM pg_catalog.pg_class AS relation
JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
WHERE relation.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND (
      relation.oid = ANY (%(bases)s::oid[])
      OR space.nspname = ANY (%(schemas)s) AND (%(whole)s OR NOT relation.relispartition)
      AND {_NOT_OF_EXTENSIONS.format(catalogue="pg_class", oid="relation.oid")}
  )
"""  # noqa: S608 - constants
_OF_A_COLUMN = (
    "pg_catalog.format_type(field.atttypid, field.atttypmod)",
    "field.attnotnull",
    "field.attidentity",
    "field.attgenerated",
    "field.attcollation::regcollation::text",
    "pg_catalog.pg_get_expr(given.adbin, given.adrelid)",
    _acl("field.attacl", "'c'", "mine.relowner"),
)
_COLUMNS = f"""
WITH mine AS ({_TABLES})
SELECT format('%%s.%%I', mine.name, field.attname), jsonb_build_object(
    'table', mine.name,
    'columns', ARRAY[field.attname::text],
    'definition', pg_catalog.format_type(field.atttypid, field.atttypmod),
    'not_null', field.attnotnull,
    'default', concat(
        pg_catalog.pg_get_expr(given.adbin, given.adrelid),
        CASE field.attgenerated WHEN '' THEN '' ELSE ' (generated)' END,
        CASE field.attidentity WHEN 'a' THEN 'GENERATED ALWAYS' WHEN 'd' THEN 'GENERATED BY DEFAULT' ELSE '' END
    ),
    {_whole(*_OF_A_COLUMN)}
)
FROM mine
JOIN pg_catalog.pg_attribute AS field ON field.attrelid = mine.oid AND field.attnum > 0 AND NOT field.attisdropped
LEFT JOIN pg_catalog.pg_attrdef AS given ON given.adrelid = mine.oid AND given.adnum = field.attnum
WHERE mine.relkind IN ('r', 'p', 'f') OR %(whole)s AND mine.relkind IN ('v', 'm')
"""  # noqa: S608 - constants
# A later server has rules that nobody enforces; an earlier one has no such column.
_CONSTRAINTS = f"""
WITH mine AS ({_TABLES})
SELECT format('%%s.%%I', mine.name, rule.conname), jsonb_build_object(
    'table', mine.name,
    'columns', {_COLUMNS_OF.format(table="mine.oid", numbers="rule.conkey")},
    'definition', regexp_replace(pg_catalog.pg_get_constraintdef(rule.oid), ' (NOT VALID|NOT ENFORCED)$', ''),
    'in_force', rule.convalidated AND coalesce((to_jsonb(rule) ->> 'conenforced')::boolean, true)
        AND coalesce((SELECT entry.indisvalid FROM pg_catalog.pg_index AS entry WHERE entry.indexrelid = rule.conindid
                      AND rule.contype IN ('p', 'u', 'x')), true),
    {_whole("pg_catalog.pg_get_constraintdef(rule.oid)", "rule.convalidated::text")}
)
FROM mine JOIN pg_catalog.pg_constraint AS rule ON rule.conrelid = mine.oid AND rule.contype IN ('p', 'u', 'f', 'c', 'x')
"""  # noqa: S608 - constants
_INDEXES = f"""
WITH mine AS ({_TABLES})
SELECT format('%%s.%%I', mine.name, relation.relname), jsonb_build_object(
    'table', mine.name,
    'columns', {_COLUMNS_OF.format(table="mine.oid", numbers="entry.indkey")},
    'definition', CASE WHEN entry.indisunique THEN 'UNIQUE ' ELSE '' END
        || regexp_replace(pg_catalog.pg_get_indexdef(entry.indexrelid), '^.*? USING ', ''),
    'in_force', entry.indisvalid AND entry.indisready AND entry.indislive,
    {_whole("pg_catalog.pg_get_indexdef(entry.indexrelid)", "entry.indisvalid::text")}
)
FROM mine
JOIN pg_catalog.pg_index AS entry ON entry.indrelid = mine.oid
JOIN pg_catalog.pg_class AS relation ON relation.oid = entry.indexrelid
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS rule WHERE rule.conindid = entry.indexrelid AND rule.contype IN ('p', 'u', 'x')
)
"""  # noqa: S608 - constants
# The product's own triggers may stand on tables that are not its own, such as the one of accounts.
_TRIGGERS = f"""
SELECT format('%%I.%%I.%%I', space.nspname, relation.relname, one.tgname), jsonb_build_object(
    'table', format('%%I.%%I', space.nspname, relation.relname),
    'definition', substr(
        pg_catalog.pg_get_triggerdef(one.oid),
        strpos(pg_catalog.pg_get_triggerdef(one.oid), quote_ident(one.tgname)) + length(quote_ident(one.tgname)) + 1
    ),
    'in_force', one.tgenabled IN ('O', 'A'),
    {_whole("pg_catalog.pg_get_triggerdef(one.oid)", "one.tgenabled::text")}
)
FROM pg_catalog.pg_trigger AS one
JOIN pg_catalog.pg_class AS relation ON relation.oid = one.tgrelid AND (%(whole)s OR NOT relation.relispartition)
JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
JOIN pg_catalog.pg_proc AS called ON called.oid = one.tgfoid
JOIN pg_catalog.pg_namespace AS its_space ON its_space.oid = called.pronamespace
WHERE NOT one.tgisinternal AND (space.nspname = ANY (%(schemas)s) OR its_space.nspname = ANY (%(schemas)s))
"""  # noqa: S608 - constants
# Whose a function is, is asked of those that policies and triggers call, too: the product's rows are guarded by them.
_FUNCTIONS = f"""
WITH mine AS ({_TABLES}),
called (function) AS (
    SELECT used.refobjid
    FROM mine
    JOIN pg_catalog.pg_policy AS policy ON policy.polrelid = mine.oid
    JOIN pg_catalog.pg_depend AS used
      ON used.classid = 'pg_catalog.pg_policy'::regclass AND used.objid = policy.oid AND used.refclassid = 'pg_catalog.pg_proc'::regclass
    UNION
    SELECT one.tgfoid FROM mine JOIN pg_catalog.pg_trigger AS one ON one.tgrelid = mine.oid AND NOT one.tgisinternal
)
SELECT one.oid::regprocedure::text, jsonb_build_object(
    'definition', md5(concat_ws('|', one.prolang, one.provolatile, one.proisstrict, pg_catalog.pg_get_function_result(one.oid),
                                array_to_string(one.proconfig, ','), one.prosrc, pg_catalog.pg_get_function_sqlbody(one.oid))),
    'as_owner', one.prosecdef,
    'owner', pg_catalog.pg_get_userbyid(one.proowner)::text,
    'may', CASE WHEN one.prorettype IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype) THEN ARRAY[]::text[] ELSE
        {_WHO.format(right="has_schema_privilege(who, one.pronamespace, 'USAGE') AND has_function_privilege(who, one.oid, 'EXECUTE')")} END,
    {_whole("pg_catalog.pg_get_functiondef(one.oid)", _acl("one.proacl", "'f'", "one.proowner"))}
)
FROM pg_catalog.pg_proc AS one
JOIN pg_catalog.pg_namespace AS space ON space.oid = one.pronamespace
WHERE one.prokind IN ('f', 'p', 'w') AND space.nspname <> 'pg_catalog'
  AND (space.nspname = ANY (%(schemas)s) OR one.oid IN (SELECT function FROM called))
  AND {_NOT_OF_EXTENSIONS.format(catalogue="pg_proc", oid="one.oid")}
"""  # noqa: S608 - constants
_TYPES = f"""
SELECT pg_catalog.format_type(kind.oid, NULL), jsonb_build_object('whole', kind.typtype::text || ' ' || coalesce(
    (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_catalog.pg_enum WHERE enumtypid = kind.oid), ''
))
FROM pg_catalog.pg_type AS kind JOIN pg_catalog.pg_namespace AS space ON space.oid = kind.typnamespace
WHERE space.nspname = ANY (%(schemas)s) AND kind.typtype IN ('e', 'd', 'r')
  AND {_NOT_OF_EXTENSIONS.format(catalogue="pg_type", oid="kind.oid")}
"""  # noqa: S608 - constants
_SEQUENCES = f"""
WITH mine AS ({_TABLES})
SELECT mine.name, jsonb_build_object('whole', concat_ws(
    ' ', given.data_type::text, given.start_value, given.min_value, given.max_value, given.increment_by, given.cycle,
    mine.reloptions::text, pg_catalog.pg_get_userbyid(mine.relowner), {_acl("mine.relacl", "'s'", "mine.relowner")}
))
FROM mine JOIN pg_catalog.pg_sequences AS given ON mine.name = format('%%I.%%I', given.schemaname, given.sequencename)
WHERE mine.relkind = 'S'
"""  # noqa: S608 - constants
_EXTENSIONS = "SELECT extname::text, jsonb_build_object('whole', extversion) FROM pg_catalog.pg_extension"
_OWN_SCHEMAS = """
SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
"""
_BASES = """
WITH RECURSIVE reached (relation) AS (
    SELECT unnest(%(oids)s::oid[])
    UNION
    SELECT used.refobjid
    FROM reached
    JOIN pg_catalog.pg_class AS view ON view.oid = reached.relation AND view.relkind = 'v'
    JOIN pg_catalog.pg_rewrite AS rule ON rule.ev_class = view.oid
    JOIN pg_catalog.pg_depend AS used
      ON used.classid = 'pg_catalog.pg_rewrite'::regclass AND used.objid = rule.oid AND used.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE used.refobjid <> view.oid
)
SELECT DISTINCT relation.oid::bigint
FROM reached JOIN pg_catalog.pg_class AS relation ON relation.oid = reached.relation AND relation.relkind IN ('r', 'p')
"""
_POLICIES = """
SELECT policy.polrelid::bigint, policy.polname::text, jsonb_build_object(
    'permissive', policy.polpermissive,
    'roles', ARRAY(
        SELECT CASE WHEN one.role = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(one.role)::text END
        FROM unnest(policy.polroles) AS one (role) ORDER BY 1
    ),
    'command', CASE policy.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
        ELSE 'ALL' END,
    'using', coalesce(pg_catalog.pg_get_expr(policy.polqual, policy.polrelid), ''),
    'check', coalesce(pg_catalog.pg_get_expr(policy.polwithcheck, policy.polrelid), '')
)
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
_ROLES_THERE = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY (%(roles)s::text[]) ORDER BY 1"
_SEARCH = "SELECT set_config('search_path', %(path)s, true)"
_KINDS: Mapping[Kind, str] = {
    "schema": _SCHEMAS,
    "role": _ROLES,
    "column": _COLUMNS,
    "constraint": _CONSTRAINTS,
    "index": _INDEXES,
    "trigger": _TRIGGERS,
    "function": _FUNCTIONS,
}
_EXACTLY: Mapping[Kind, str] = {"type": _TYPES, "sequence": _SEQUENCES, "extension": _EXTENSIONS}


def read_catalogue(
    snapshot: Snapshot,
    schemas: Collection[str],
    users: Collection[str],
    names: Mapping[str, str],
    *,
    migrations: str,
    whole: bool = False,
) -> Catalogue:
    """Read these schemas, the tables of ``users``, or what lies behind views of that name, and the versions in the table ``migrations``.

    With ``whole`` every schema but the server's own, partitions too, and of each object all that makes it what it is.
    Raises MeasurementFailed.
    """
    applied, oids, unknown = _applied(snapshot, migrations), list[int](), ""
    try:
        oids = [relation.oid for relation in Statements.of(snapshot, users, names).relations.values()]
    except ConnectionLost:
        raise
    except MeasurementFailed as failed:  # whatever the schema is, it can be compared all the same
        unknown = str(failed)
    # Names then come with their schema, whatever the role finds without: two readings differ by what they read.
    [path] = snapshot.row("SELECT current_setting('search_path')")
    snapshot.rows(_SEARCH, {"path": ""})
    roles = [role for (role,) in snapshot.rows(_ROLES_THERE, {"roles": [*CLIENTS, SERVICE]})]
    bases = [oid for (oid,) in snapshot.rows(_BASES, {"oids": oids})]
    own = [name for (name,) in snapshot.rows(_OWN_SCHEMAS)] if whole else list(schemas)
    given = {"schemas": own, "bases": bases, "who": [PUBLIC, *roles], "clients": list(CLIENTS), "whole": whole}
    objects: dict[Kind, dict[str, SchemaObject]] = {
        kind: {name: SchemaObject.model_validate(facts) for name, facts in snapshot.rows(statement, given)}
        for kind, statement in {**_KINDS, **(_EXACTLY if whole else {})}.items()
    }
    relations = snapshot.rows(_RELATIONS, given)
    access = _access(snapshot, relations)
    snapshot.rows(_SEARCH, {"path": path})
    tables, views = dict[str, SchemaObject](), dict[str, SchemaObject]()
    for name, oid, is_view, *_, facts in relations:
        (views if is_view else tables)[name] = SchemaObject.model_validate({**facts, "access": access[oid]})
    if not any(is_ours and not is_view for _, _, is_view, *_, is_ours, _ in relations):
        raise MeasurementFailed(
            f"no table in {' and '.join(own)} at {snapshot.where}, so the schema of the product was not read; "
            "say under [tables] schemas of the product where it is"
        )
    return Catalogue(
        taken_at=datetime.now(UTC),
        roles=tuple(roles),
        users=tuple(sorted(name for name, oid, *_ in relations if oid in bases)),
        users_unknown=unknown,
        migrations=applied,
        objects={**objects, "table": tables, "view": views},
    )


def _access(snapshot: Snapshot, relations: Sequence[tuple[Any, ...]]) -> dict[int, TableAccess]:
    """Who may reach the rows of each, by its number."""
    asked = {
        "oids": [oid for _, oid, *_ in relations],
        "roles": [*CLIENTS, SERVICE],
        "privileges": list(PRIVILEGES),
    }
    policies: dict[int, dict[str, Policy]] = {}
    for oid, name, facts in snapshot.rows(_POLICIES, asked):
        policies.setdefault(oid, {})[name] = Policy.model_validate(facts)
    privileges: dict[int, dict[str, list[str]]] = {}
    for oid, role, privilege, whole, columns in snapshot.rows(_PRIVILEGES, asked):
        if whole or columns:
            held = privilege if whole else f"{privilege} ({', '.join(columns)})"
            privileges.setdefault(oid, {}).setdefault(role, []).append(held)
    return {
        oid: TableAccess(
            row_security=row_security,
            forced=forced,
            policies=policies.get(oid, {}),
            privileges={role: tuple(sorted(held)) for role, held in privileges.get(oid, {}).items()},
        )
        for _, oid, _, row_security, forced, *_ in relations
    }


def _applied(snapshot: Snapshot, migrations: str) -> tuple[str, ...] | None:
    schema, _, name = migrations.rpartition(".")
    [relation] = snapshot.relations([(schema, name)])
    if relation is None or not relation.is_readable or "version" not in relation.visible_columns:
        return None
    place = sql.Identifier(*migrations.split(".")).as_string(None)
    try:
        rows = snapshot.rows(f"SELECT version::text FROM {place} ORDER BY 1")  # noqa: S608 - a quoted name
    except MeasurementFailed:  # row level security hides them from the role
        return None
    return tuple(version for (version,) in rows)
