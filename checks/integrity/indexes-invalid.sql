-- id: indexes-invalid
-- criterion: SC-4, POST-2
-- sentence: every index of a table with rows of users is valid
-- severity: critical
-- expectation: no rows
-- dialect: product
-- anchor: schema-damaged

-- The tables with rows of users are those that the contract of the product describes ([tables.users]).
WITH looked_at AS (
    SELECT entry.indexrelid::regclass::text AS name, entry.indisvalid AND entry.indisready AS is_valid
    FROM pg_catalog.pg_index AS entry
    WHERE entry.indrelid = ANY (%(users_tables)s::bigint[])
)
SELECT looked_at.name AS object
FROM looked_at
WHERE NOT looked_at.is_valid
