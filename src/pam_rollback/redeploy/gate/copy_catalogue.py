"""What PostgreSQL's catalogue says of a database: a query for each kind of object that gives its name and its definition.

Objects of extensions and of the server are left out. Run with an empty search path every name comes with its schema.
"""

_OWN = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
_OF_EXTENSIONS = "EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = '{catalog}'::regclass AND d.objid = o.oid AND d.deptype = 'e')"
# Privileges that nobody ever changed are none in the catalogue, and spelled out as soon as one was granted and taken back.
_ACL = """coalesce((SELECT string_agg(entry, ' ' ORDER BY entry)
    FROM unnest(coalesce({acl}, acldefault({kind}, {owner}))::text[]) AS entry), '')"""
_SCHEMA_ACL = _ACL.format(acl="nspacl", kind="'n'", owner="nspowner")
_RELATION_ACL = _ACL.format(
    acl="o.relacl", kind="CASE o.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"", owner="o.relowner"
)
_COLUMN_ACL = _ACL.format(acl="a.attacl", kind="'c'", owner="o.relowner")
_FUNCTION_ACL = _ACL.format(acl="o.proacl", kind="'f'", owner="o.proowner")

CATALOGUE = (
    ("schema", f"SELECT nspname::text, {_SCHEMA_ACL} FROM pg_namespace WHERE {_OWN}"),  # noqa: S608 - constants
    ("extension", "SELECT extname::text, extversion FROM pg_extension"),
    (
        "relation",
        f"""
SELECT o.oid::regclass::text,
       concat_ws(' ', o.relkind, o.relrowsecurity, o.relforcerowsecurity, o.reloptions::text, pg_get_userbyid(o.relowner),
                 CASE WHEN o.relkind IN ('v', 'm') THEN pg_get_viewdef(o.oid) END, {_RELATION_ACL})
FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE {_OWN} AND o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT {_OF_EXTENSIONS.format(catalog="pg_class")}
""",  # noqa: S608 - constants
    ),
    (
        "column",
        f"""
SELECT o.oid::regclass::text || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                 a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid), {_COLUMN_ACL})
FROM pg_attribute AS a JOIN pg_class AS o ON o.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = o.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE {_OWN} AND a.attnum > 0 AND NOT a.attisdropped AND o.relkind IN ('r', 'p', 'v', 'm', 'f')
""",  # noqa: S608 - constants
    ),
    (
        "constraint",
        f"""
SELECT conrelid::regclass::text || '.' || conname, pg_get_constraintdef(c.oid) || ' ' || convalidated
FROM pg_constraint AS c JOIN pg_namespace AS n ON n.oid = c.connamespace WHERE {_OWN} AND conrelid <> 0
""",  # noqa: S608 - constants
    ),
    (
        "index",
        f"""
SELECT o.oid::regclass::text, pg_get_indexdef(o.oid) || ' ' || i.indisvalid
FROM pg_index AS i JOIN pg_class AS o ON o.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = o.relnamespace WHERE {_OWN}
""",  # noqa: S608 - constants
    ),
    (
        "trigger",
        f"""
SELECT t.tgrelid::regclass::text || '.' || t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_trigger AS t JOIN pg_class AS o ON o.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE {_OWN} AND NOT t.tgisinternal
""",  # noqa: S608 - constants
    ),
    (
        "function",
        f"""
SELECT o.oid::regprocedure::text, pg_get_functiondef(o.oid) || ' ' || {_FUNCTION_ACL}
FROM pg_proc AS o JOIN pg_namespace AS n ON n.oid = o.pronamespace
WHERE {_OWN} AND o.prokind IN ('f', 'p') AND NOT {_OF_EXTENSIONS.format(catalog="pg_proc")}
""",  # noqa: S608 - constants
    ),
    (
        "policy",
        """
SELECT schemaname || '.' || tablename || '.' || policyname, concat_ws(' ', permissive, roles::text, cmd, qual, with_check)
FROM pg_policies
""",
    ),
    (
        "type",
        f"""
SELECT format_type(o.oid, NULL), o.typtype::text || ' ' || coalesce(
           (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = o.oid), '')
FROM pg_type AS o JOIN pg_namespace AS n ON n.oid = o.typnamespace
WHERE {_OWN} AND o.typtype IN ('e', 'd', 'r') AND NOT {_OF_EXTENSIONS.format(catalog="pg_type")}
""",  # noqa: S608 - constants
    ),
    (
        "sequence",
        """
SELECT schemaname || '.' || sequencename, concat_ws(' ', data_type::text, start_value, min_value, max_value, increment_by, cycle)
FROM pg_sequences
""",
    ),
)
TABLES = f"""
SELECT n.nspname::text, o.relname::text, ARRAY(
    SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1
)
FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE {_OWN} AND (o.relkind = 'r' AND NOT o.relispartition OR o.relkind = 'p')
ORDER BY 1, 2
"""  # noqa: S608 - constants
"""Every table that holds rows by itself, with its columns."""
COLUMNS = f"""
SELECT o.oid::regclass::text || '.' || a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_attribute AS a JOIN pg_class AS o ON o.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE {_OWN} AND a.attnum > 0 AND NOT a.attisdropped AND o.relkind IN ('r', 'p', 'v', 'm')
"""  # noqa: S608 - constants
"""Each column with its type, whether it is NOT NULL, whether it fills itself, and whether it takes nobody's value."""
BLIND = """
SELECT o.oid::regclass::text FROM pg_class AS o WHERE o.relkind IN ('r', 'p') AND row_security_active(o.oid) ORDER BY 1
"""
"""The tables of which row level security hides rows from whoever asks."""
