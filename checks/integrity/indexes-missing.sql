-- id: indexes-missing
-- criterion: SC-4, POST-2
-- sentence: what the core tables are looked up by has an index, and every index of theirs is valid
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: profiles, user_settings, pam_conversations, pam_messages, expenses, support_tickets
-- anchor: schema-damaged

WITH looked_at (table_name, first_column) AS (
    VALUES
        ('profiles', 'id'),
        ('user_settings', 'user_id'),
        ('pam_conversations', 'user_id'),
        ('pam_messages', 'conversation_id'),
        ('pam_messages', 'created_at'),
        ('expenses', 'user_id'),
        ('expenses', 'created_at'),
        ('support_tickets', 'user_id')
)
SELECT looked_at.table_name || ' (' || looked_at.first_column || ')' AS object
FROM looked_at
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_index AS entry
    JOIN pg_catalog.pg_attribute AS field
      ON field.attrelid = entry.indexrelid AND field.attnum = 1 AND field.attname::text = looked_at.first_column
    WHERE entry.indrelid = to_regclass(looked_at.table_name) AND entry.indisvalid AND entry.indpred IS NULL
)
UNION ALL
SELECT entry.indexrelid::regclass::text || ' is invalid' AS object
FROM pg_catalog.pg_index AS entry
WHERE NOT (entry.indisvalid AND entry.indisready)
  AND EXISTS (SELECT FROM looked_at WHERE to_regclass(looked_at.table_name) = entry.indrelid)
