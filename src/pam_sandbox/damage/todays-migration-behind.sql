-- summary: the newest migration of Supabase's list is not noted any more
-- product: pam-today

-- plant
CREATE TABLE lost AS SELECT * FROM supabase_migrations.schema_migrations ORDER BY version DESC LIMIT 1;
DELETE FROM supabase_migrations.schema_migrations WHERE version IN (SELECT version FROM lost);

-- offenders
SELECT version FROM lost WHERE version NOT IN (SELECT version FROM supabase_migrations.schema_migrations)

-- heal
INSERT INTO supabase_migrations.schema_migrations SELECT * FROM lost;
