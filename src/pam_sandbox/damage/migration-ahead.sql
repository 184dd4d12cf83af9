-- summary: the database has had a migration that the release does not know

-- plant
INSERT INTO public.schema_migrations (version, name, checksum) VALUES ('99990101000000', 'of_a_later_release', repeat('0', 64));

-- offenders
SELECT version FROM public.schema_migrations WHERE version > current_setting('range.newest_migration')

-- heal
DELETE FROM public.schema_migrations WHERE version = '99990101000000';
