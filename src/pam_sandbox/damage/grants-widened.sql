-- summary: anybody, signed in or not, may empty the table of expenses: TRUNCATE asks no policy

-- plant
GRANT TRUNCATE ON public.expenses TO anon;

-- offenders
SELECT 'expenses' WHERE has_table_privilege('anon', 'public.expenses', 'TRUNCATE')

-- heal
REVOKE TRUNCATE ON public.expenses FROM anon;
