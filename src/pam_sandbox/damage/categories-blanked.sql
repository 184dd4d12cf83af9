-- summary: some expenses have no category: an empty one, or blank space

-- plant
CREATE TABLE was AS
SELECT id, category, updated_at
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND amount >= 0 AND btrim(category) <> ''
ORDER BY created_at, id
LIMIT 8;
UPDATE public.expenses SET category = repeat(' ', (id % 2)::integer) WHERE id IN (SELECT id FROM was);

-- offenders
SELECT id FROM public.expenses WHERE btrim(category) = ''

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET category = was.category, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
