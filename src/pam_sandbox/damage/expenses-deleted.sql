-- summary: one in five expenses that are older than a day is gone, and nothing else tells so

-- plant
CREATE TABLE lost AS
SELECT *
FROM public.expenses
WHERE id IN (
    SELECT id
    FROM (
        SELECT id, row_number() OVER (ORDER BY created_at, id) AS number
        FROM public.expenses
        WHERE user_id IN (SELECT user_id FROM others) AND created_at < now() - interval '1 day' AND amount >= 0
    ) old
    WHERE number % 5 = 0
);
DELETE FROM public.expenses WHERE id IN (SELECT id FROM lost);

-- offenders
SELECT id
FROM generate_series((SELECT min(id) FROM public.expenses), (SELECT max(id) FROM public.expenses)) id
WHERE NOT EXISTS (SELECT FROM public.expenses WHERE expenses.id = id.id)

-- heal
INSERT INTO public.expenses SELECT * FROM lost;
