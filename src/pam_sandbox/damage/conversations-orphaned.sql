-- summary: some conversations belong to an account that does not exist, although the foreign key is in place

-- plant
CREATE TABLE was AS
SELECT id, user_id, updated_at, md5('conversations-orphaned ' || id)::uuid AS ghost
FROM public.pam_conversations
WHERE user_id IN (SELECT user_id FROM others)
ORDER BY created_at, id
LIMIT 6;
INSERT INTO auth.users (id, email, encrypted_password) SELECT ghost, ghost || '@example.invalid', '!' FROM was;
UPDATE public.pam_conversations now SET user_id = was.ghost FROM was WHERE now.id = was.id;
-- The cascade stops here: as after a partial restore, the rows stay and the catalogue looks right.
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER stay BEFORE DELETE ON public.pam_conversations FOR EACH ROW EXECUTE FUNCTION stay();
DELETE FROM auth.users WHERE id IN (SELECT ghost FROM was);
DROP TRIGGER stay ON public.pam_conversations;

-- offenders
SELECT id FROM public.pam_conversations conversation WHERE NOT EXISTS (SELECT FROM auth.users WHERE id = conversation.user_id)

-- heal
ALTER TABLE public.pam_conversations DISABLE TRIGGER touch;
UPDATE public.pam_conversations now SET user_id = was.user_id, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.pam_conversations ENABLE TRIGGER touch;
