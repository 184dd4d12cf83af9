-- summary: some expenses belong to an account that does not exist, although the foreign key is in place

-- plant
CREATE TABLE was AS
SELECT id, user_id, updated_at
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND amount >= 0
ORDER BY created_at, id
LIMIT 9;
INSERT INTO auth.users (id, email, encrypted_password) VALUES (md5('expenses-orphaned')::uuid, 'expenses-orphaned@example.invalid', '!');
UPDATE public.expenses SET user_id = md5('expenses-orphaned')::uuid WHERE id IN (SELECT id FROM was);
-- The cascade stops here: as after a partial restore, the rows stay and the catalogue looks right.
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER stay BEFORE DELETE ON public.expenses FOR EACH ROW EXECUTE FUNCTION stay();
DELETE FROM auth.users WHERE id = md5('expenses-orphaned')::uuid;
DROP TRIGGER stay ON public.expenses;

-- offenders
SELECT id FROM public.expenses owned WHERE NOT EXISTS (SELECT FROM auth.users WHERE id = owned.user_id)

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET user_id = was.user_id, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
