-- summary: Supabase's list has a migration that the release does not know
-- product: pam-today

-- plant
INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES ('99990101000000', 'of a later release');

-- offenders
SELECT version FROM supabase_migrations.schema_migrations WHERE version = '99990101000000'

-- heal
DELETE FROM supabase_migrations.schema_migrations WHERE version = '99990101000000';
