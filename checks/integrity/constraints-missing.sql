-- id: constraints-missing
-- criterion: SC-4, POST-2
-- sentence: the rules that keep the core tables whole are there and validated
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: profiles, user_settings, pam_conversations, pam_messages, expenses, support_tickets
-- anchor: schema-damaged

-- Known by table, kind and columns, in alphabetical order: names of constraints differ from place to place.
WITH looked_at (table_name, kind, column_names) AS (
    VALUES
        ('profiles', 'primary key', 'id'),
        ('profiles', 'foreign key', 'id'),
        ('profiles', 'unique', 'email'),
        ('user_settings', 'primary key', 'id'),
        ('user_settings', 'foreign key', 'user_id'),
        ('user_settings', 'unique', 'setting_name,user_id'),
        ('user_settings', 'not null', 'user_id'),
        ('user_settings', 'not null', 'setting_name'),
        ('user_settings', 'not null', 'setting_value'),
        ('pam_conversations', 'primary key', 'id'),
        ('pam_conversations', 'foreign key', 'user_id'),
        ('pam_conversations', 'unique', 'user_id'),
        ('pam_conversations', 'not null', 'user_id'),
        ('pam_messages', 'primary key', 'id'),
        ('pam_messages', 'foreign key', 'conversation_id'),
        ('pam_messages', 'check', 'role'),
        ('pam_messages', 'not null', 'conversation_id'),
        ('pam_messages', 'not null', 'role'),
        ('pam_messages', 'not null', 'content'),
        ('expenses', 'primary key', 'id'),
        ('expenses', 'foreign key', 'user_id'),
        ('expenses', 'check', 'amount'),
        ('expenses', 'not null', 'user_id'),
        ('expenses', 'not null', 'amount'),
        ('expenses', 'not null', 'category'),
        ('support_tickets', 'primary key', 'id'),
        ('support_tickets', 'foreign key', 'user_id'),
        ('support_tickets', 'not null', 'user_id')
),
in_force AS (
    SELECT
        rule.conrelid AS relation,
        CASE rule.contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' END AS kind,
        (
            SELECT string_agg(field.attname::text, ',' ORDER BY field.attname::text)
            FROM pg_catalog.pg_attribute AS field
            WHERE field.attrelid = rule.conrelid AND field.attnum = ANY (rule.conkey)
        ) AS column_names
    FROM pg_catalog.pg_constraint AS rule
    WHERE rule.contype IN ('f', 'c') AND rule.convalidated
    UNION ALL
    SELECT
        entry.indrelid,
        CASE WHEN entry.indisprimary THEN 'primary key' ELSE 'unique' END,
        (
            SELECT string_agg(field.attname::text, ',' ORDER BY field.attname::text)
            FROM pg_catalog.pg_attribute AS field
            WHERE field.attrelid = entry.indrelid AND field.attnum = ANY (entry.indkey)
        )
    FROM pg_catalog.pg_index AS entry
    -- A unique index over some rows only (a predicate) or over expressions is no rule for all.
    WHERE entry.indisunique AND entry.indisvalid AND entry.indpred IS NULL AND entry.indexprs IS NULL
    UNION ALL
    SELECT field.attrelid, 'not null', field.attname::text
    FROM pg_catalog.pg_attribute AS field
    WHERE field.attnotnull AND field.attnum > 0
)
SELECT looked_at.table_name || ' ' || looked_at.kind || ' (' || looked_at.column_names || ')' AS object
FROM looked_at
WHERE NOT EXISTS (
    SELECT
    FROM in_force
    WHERE in_force.relation = to_regclass(looked_at.table_name)
      AND in_force.kind = looked_at.kind
      AND in_force.column_names = looked_at.column_names
)
