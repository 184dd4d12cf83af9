-- id: row-security-off
-- criterion: SC-4, POST-2
-- sentence: row level security is on for every table with rows of users
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: profiles, user_settings, pam_conversations, pam_messages, expenses, support_tickets
-- anchor: schema-damaged

WITH looked_at (table_name) AS (
    VALUES ('profiles'), ('user_settings'), ('pam_conversations'), ('pam_messages'), ('expenses'), ('support_tickets')
)
SELECT looked_at.table_name AS object
FROM looked_at
JOIN pg_catalog.pg_class AS relation ON relation.oid = to_regclass(looked_at.table_name)
WHERE NOT relation.relrowsecurity
