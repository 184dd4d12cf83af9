-- summary: some amounts are below zero; the check that forbids them is in place for new rows only (NOT VALID)

-- plant
CREATE TABLE was AS
SELECT id, amount, updated_at
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND amount > 0 AND amount <> 'NaN'
ORDER BY created_at DESC, id
LIMIT 7;
ALTER TABLE public.expenses DROP CONSTRAINT expenses_amount_check;
UPDATE public.expenses SET amount = -amount WHERE id IN (SELECT id FROM was);
ALTER TABLE public.expenses ADD CONSTRAINT expenses_amount_check CHECK (amount >= 0) NOT VALID;

-- offenders
SELECT id FROM public.expenses WHERE amount < 0

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET amount = was.amount, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
ALTER TABLE public.expenses VALIDATE CONSTRAINT expenses_amount_check;
