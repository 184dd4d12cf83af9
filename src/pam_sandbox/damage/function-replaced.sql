-- summary: the function that notes when a row was changed does nothing any more

-- plant
CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;

-- offenders
SELECT proname FROM pg_proc WHERE oid = 'public.touch_updated_at()'::regprocedure AND strpos(prosrc, 'clock_timestamp') = 0

-- heal
CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
