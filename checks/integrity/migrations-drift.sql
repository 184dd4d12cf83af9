-- id: migrations-drift
-- criterion: SC-4, POST-2
-- sentence: the database has the migrations that the running release was built with, and none that it does not know
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: schema_migrations
-- anchor: schema-damaged

SELECT 'unknown to the release: ' || migration.version AS object
FROM schema_migrations AS migration
WHERE migration.version > %(schema_version)s AND migration.version <> ALL (%(compatible_migrations)s::text[])
UNION ALL
SELECT 'not applied: ' || %(schema_version)s::text AS object
WHERE NOT EXISTS (SELECT FROM schema_migrations AS migration WHERE migration.version = %(schema_version)s)
