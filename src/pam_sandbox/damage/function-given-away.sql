-- summary: the function that notes when a row was changed belongs to the role of the product's servers, who may replace it now
-- needs: superuser

-- plant
CREATE TABLE was AS SELECT proowner::regrole::text AS owner FROM pg_proc WHERE oid = 'public.touch_updated_at()'::regprocedure;
ALTER FUNCTION public.touch_updated_at() OWNER TO service_role;

-- offenders
SELECT oid::regprocedure FROM pg_proc WHERE oid = 'public.touch_updated_at()'::regprocedure AND proowner = 'service_role'::regrole

-- heal
DO $$ BEGIN EXECUTE format('ALTER FUNCTION public.touch_updated_at() OWNER TO %s', (SELECT owner FROM was)); END $$;
