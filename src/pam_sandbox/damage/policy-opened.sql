-- summary: the policy of the expenses lets everybody who is signed in read those of others

-- plant
ALTER POLICY own_expenses ON public.expenses USING (auth.uid() IS NOT NULL);

-- offenders
SELECT polname FROM pg_policy WHERE polname = 'own_expenses' AND pg_get_expr(polqual, polrelid) LIKE '%IS NOT NULL%'

-- heal
ALTER POLICY own_expenses ON public.expenses USING (auth.uid() = user_id);
