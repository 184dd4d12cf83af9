-- summary: a repair left a copy of the expenses behind, which no policy guards: everybody may read it

-- plant
CREATE TABLE public.expenses_before_repair AS SELECT * FROM public.expenses;
GRANT SELECT ON public.expenses_before_repair TO PUBLIC;

-- offenders
SELECT oid::regclass FROM pg_class WHERE oid = to_regclass('public.expenses_before_repair')

-- heal
DROP TABLE public.expenses_before_repair;
