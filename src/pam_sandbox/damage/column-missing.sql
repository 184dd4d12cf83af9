-- summary: the category of an expense has another name, as after half a migration: the product fails where it needs it

-- plant
ALTER TABLE public.expenses RENAME COLUMN category TO kind;
ALTER VIEW plan.expenses RENAME COLUMN category TO kind;

-- offenders
SELECT attrelid::regclass FROM pg_attribute WHERE attrelid = 'public.expenses'::regclass AND attname = 'kind'

-- heal
ALTER VIEW plan.expenses RENAME COLUMN kind TO category;
ALTER TABLE public.expenses RENAME COLUMN kind TO category;
