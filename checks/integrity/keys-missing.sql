-- id: keys-missing
-- criterion: SC-4, POST-2
-- sentence: every table with rows of users has a key that tells its rows apart
-- severity: critical
-- expectation: no rows
-- dialect: product
-- anchor: schema-damaged

-- The tables with rows of users are those that the contract of the product describes ([tables.users]).
WITH looked_at AS (
    SELECT relation.oid AS relation, relation.relname::text AS name
    FROM pg_catalog.pg_class AS relation
    WHERE relation.oid = ANY (%(users_tables)s::bigint[]) AND relation.relkind IN ('r', 'p')
)
SELECT looked_at.name AS object
FROM looked_at
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_index AS entry
    -- A unique index over some rows only (a predicate) or over expressions tells not all rows apart.
    WHERE entry.indrelid = looked_at.relation
      AND entry.indisunique AND entry.indisvalid AND entry.indpred IS NULL AND entry.indexprs IS NULL
)
