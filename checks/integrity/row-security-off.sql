-- id: row-security-off
-- criterion: SC-4, POST-2
-- sentence: row level security is on for every table with rows of users
-- severity: critical
-- expectation: no rows
-- dialect: product
-- anchor: schema-damaged

-- The tables with rows of users are those that the contract of the product describes ([tables.users]).
WITH looked_at AS (
    SELECT relation.relname::text AS name, relation.relrowsecurity AS is_on
    FROM pg_catalog.pg_class AS relation
    WHERE relation.oid = ANY (%(users_tables)s::bigint[]) AND relation.relkind IN ('r', 'p')
)
SELECT looked_at.name AS object
FROM looked_at
WHERE NOT looked_at.is_on
