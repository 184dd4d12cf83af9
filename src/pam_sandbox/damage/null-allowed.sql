-- summary: an expense needs no category any more

-- plant
ALTER TABLE public.expenses ALTER COLUMN category DROP NOT NULL;

-- offenders
SELECT attname FROM pg_attribute WHERE attrelid = 'public.expenses'::regclass AND attname = 'category' AND NOT attnotnull

-- heal
ALTER TABLE public.expenses ALTER COLUMN category SET NOT NULL;
