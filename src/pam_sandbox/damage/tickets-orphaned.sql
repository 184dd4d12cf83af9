-- summary: some support tickets belong to an account that does not exist, although the foreign key is in place

-- plant
CREATE TABLE was AS
SELECT id, user_id, updated_at
FROM public.support_tickets
WHERE user_id IN (SELECT user_id FROM others)
ORDER BY created_at, id
LIMIT 5;
INSERT INTO auth.users (id, email, encrypted_password) VALUES (md5('tickets-orphaned')::uuid, 'tickets-orphaned@example.invalid', '!');
UPDATE public.support_tickets SET user_id = md5('tickets-orphaned')::uuid WHERE id IN (SELECT id FROM was);
-- The cascade stops here: as after a partial restore, the rows stay and the catalogue looks right.
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER stay BEFORE DELETE ON public.support_tickets FOR EACH ROW EXECUTE FUNCTION stay();
DELETE FROM auth.users WHERE id = md5('tickets-orphaned')::uuid;
DROP TRIGGER stay ON public.support_tickets;

-- offenders
SELECT id FROM public.support_tickets owned WHERE NOT EXISTS (SELECT FROM auth.users WHERE id = owned.user_id)

-- heal
ALTER TABLE public.support_tickets DISABLE TRIGGER touch;
UPDATE public.support_tickets now SET user_id = was.user_id, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.support_tickets ENABLE TRIGGER touch;
