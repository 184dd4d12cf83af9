-- summary: all expenses are gone, those of the accounts that can sign in, too

-- plant
LOCK TABLE public.expenses IN EXCLUSIVE MODE;
CREATE TABLE lost AS SELECT * FROM public.expenses;
DELETE FROM public.expenses;

-- offenders
SELECT 'expenses' WHERE NOT EXISTS (SELECT FROM public.expenses)

-- heal
INSERT INTO public.expenses SELECT * FROM lost;
