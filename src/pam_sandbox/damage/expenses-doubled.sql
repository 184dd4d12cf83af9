-- summary: some expenses are booked twice, each with an id of its own, as after writes that were sent again

-- plant
LOCK TABLE public.expenses IN EXCLUSIVE MODE;
CREATE TABLE before AS SELECT last_value FROM public.expenses_id_seq;
CREATE TABLE added AS
SELECT before.last_value + row_number() OVER (ORDER BY created_at, once.id) AS id, user_id, amount, category, date, description, receipt_url, created_at, updated_at
FROM (
    SELECT *
    FROM public.expenses
    WHERE user_id IN (SELECT user_id FROM others) AND created_at < now() - interval '1 day' AND amount >= 0
    ORDER BY created_at DESC, id
    LIMIT 6
) once, before;
INSERT INTO public.expenses (id, user_id, amount, category, date, description, receipt_url, created_at, updated_at) SELECT * FROM added;
-- A restart is undone when the transaction is; nextval and setval alone are not.
ALTER SEQUENCE public.expenses_id_seq RESTART;
SELECT setval('public.expenses_id_seq', max(id)) FROM added;

-- offenders
SELECT min(id) FROM public.expenses GROUP BY user_id, amount, category, date, description, created_at HAVING count(*) > 1

-- heal
LOCK TABLE public.expenses IN EXCLUSIVE MODE;
DELETE FROM public.expenses WHERE id IN (SELECT id FROM added);
CREATE TABLE after AS SELECT last_value FROM public.expenses_id_seq;
-- Where nobody took an id since, the next one is what it would have been.
ALTER SEQUENCE public.expenses_id_seq RESTART;
SELECT setval('public.expenses_id_seq', CASE WHEN after.last_value = (SELECT max(id) FROM added) THEN before.last_value ELSE after.last_value END)
FROM before, after;
