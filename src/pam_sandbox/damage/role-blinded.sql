-- summary: the role of the checks is subject to row level security and sees no row

-- plant
DO $$ BEGIN EXECUTE format('ALTER ROLE %I NOBYPASSRLS', current_setting('range.auditor')); END $$;

-- offenders
SELECT rolname FROM pg_roles WHERE rolname = current_setting('range.auditor') AND NOT rolbypassrls

-- heal
DO $$ BEGIN EXECUTE format('ALTER ROLE %I BYPASSRLS', current_setting('range.auditor')); END $$;
