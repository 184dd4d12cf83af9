-- summary: the newest expenses of the test account belong to another user, and their moment of change is that of the move

-- plant
CREATE TABLE was AS
SELECT id, user_id, updated_at
FROM public.expenses
WHERE user_id = (SELECT id FROM auth.users WHERE email = 'test.traveller@example.org')
ORDER BY id DESC
LIMIT 3;
CREATE TABLE taker AS SELECT user_id FROM others ORDER BY user_id DESC LIMIT 1;
UPDATE public.expenses SET user_id = (SELECT user_id FROM taker) WHERE id IN (SELECT id FROM was);

-- offenders
SELECT now.id
FROM public.expenses now
WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = 'range_undo_own_expenses_moved')
  AND now.user_id IN (SELECT user_id FROM public.expenses GROUP BY user_id HAVING count(*) = 12)
  AND now.updated_at > (SELECT min(updated_at) FROM public.expenses)

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET user_id = was.user_id, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
