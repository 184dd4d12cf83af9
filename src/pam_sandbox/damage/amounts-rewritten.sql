-- summary: some expenses that are older than a day have another amount, all the same one, and their moment of change does not say so

-- plant
CREATE TABLE was AS
SELECT id, amount
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND created_at < now() - interval '1 day' AND amount > 0 AND amount <> 'NaN'
ORDER BY created_at, id
LIMIT 11;
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses SET amount = 7777.77 WHERE id IN (SELECT id FROM was);
ALTER TABLE public.expenses ENABLE TRIGGER touch;

-- offenders
SELECT id FROM public.expenses WHERE amount = 7777.77

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET amount = was.amount FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
