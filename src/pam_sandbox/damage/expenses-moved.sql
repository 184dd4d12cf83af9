-- summary: some expenses that are older than a day belong to another user, and their moment of change is that of the move

-- plant
CREATE TABLE was AS
SELECT id, user_id, updated_at
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND created_at < now() - interval '1 day'
ORDER BY created_at, id
LIMIT 14;
CREATE TABLE taker AS
SELECT user_id FROM others WHERE user_id NOT IN (SELECT user_id FROM was) ORDER BY user_id LIMIT 1;
UPDATE public.expenses SET user_id = (SELECT user_id FROM taker) WHERE id IN (SELECT id FROM was);

-- offenders
SELECT now.id
FROM public.expenses now
WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = 'range_undo_expenses_moved')
  -- Whoever took them has more than anybody; what was there from the start says so.
  AND now.user_id IN (SELECT user_id FROM public.expenses GROUP BY user_id HAVING count(*) BETWEEN 20 AND 30)
  AND now.updated_at > (SELECT min(updated_at) FROM public.expenses)

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET user_id = was.user_id, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
