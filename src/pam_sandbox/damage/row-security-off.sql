-- summary: row level security is switched off on the expenses

-- plant
ALTER TABLE public.expenses DISABLE ROW LEVEL SECURITY;

-- offenders
SELECT oid::regclass FROM pg_class WHERE oid = 'public.expenses'::regclass AND NOT relrowsecurity

-- heal
ALTER TABLE public.expenses ENABLE ROW LEVEL SECURITY;
