-- summary: the newest migration that the release expects is not noted

-- plant
CREATE TABLE lost AS SELECT * FROM public.schema_migrations WHERE version = current_setting('range.newest_migration');
DELETE FROM public.schema_migrations WHERE version IN (SELECT version FROM lost);

-- offenders
SELECT current_setting('range.newest_migration')
WHERE NOT EXISTS (SELECT FROM public.schema_migrations WHERE version = current_setting('range.newest_migration'))

-- heal
INSERT INTO public.schema_migrations SELECT * FROM lost;
