-- summary: the sequence of the expenses' ids starts over, as after a restore without it: nobody can book an expense

-- plant
LOCK TABLE public.expenses IN EXCLUSIVE MODE;
CREATE TABLE was AS SELECT last_value FROM public.expenses_id_seq;
-- A restart is undone when the transaction is; setval alone is not.
ALTER SEQUENCE public.expenses_id_seq RESTART;
SELECT setval('public.expenses_id_seq', 1);

-- offenders
SELECT last_value FROM public.expenses_id_seq WHERE last_value < (SELECT max(id) FROM public.expenses)

-- heal
LOCK TABLE public.expenses IN EXCLUSIVE MODE;
CREATE TABLE now AS SELECT last_value FROM public.expenses_id_seq;
ALTER SEQUENCE public.expenses_id_seq RESTART;
SELECT setval('public.expenses_id_seq', greatest(was.last_value, now.last_value, (SELECT max(id) FROM public.expenses))) FROM was, now;
