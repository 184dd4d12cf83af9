-- summary: some amounts are not a number, which the check "amount >= 0" lets pass

-- plant
CREATE TABLE was AS
SELECT id, amount, updated_at
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND amount >= 0 AND amount <> 'NaN'
ORDER BY created_at, id
LIMIT 12;
UPDATE public.expenses SET amount = 'NaN' WHERE id IN (SELECT id FROM was);

-- offenders
SELECT id FROM public.expenses WHERE amount = 'NaN'

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET amount = was.amount, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
