-- summary: some messages belong to a conversation that does not exist, although the foreign key is in place

-- plant
CREATE TABLE exchange AS
SELECT question.id AS question, answer.id AS answer
FROM (
    SELECT DISTINCT ON (conversation_id) * FROM public.pam_messages WHERE role = 'user' ORDER BY conversation_id, created_at
) question
JOIN public.pam_conversations conversation ON conversation.id = question.conversation_id
JOIN LATERAL (
    SELECT id, role
    FROM public.pam_messages later
    WHERE later.conversation_id = question.conversation_id AND later.role <> 'system' AND later.created_at > question.created_at
    ORDER BY later.created_at
    LIMIT 1
) answer ON answer.role = 'assistant'
WHERE conversation.user_id IN (SELECT user_id FROM others)
ORDER BY question.created_at, question.id
LIMIT 5;
CREATE TABLE was AS
SELECT message.id, message.conversation_id
FROM public.pam_messages message
JOIN exchange ON message.id IN (exchange.question, exchange.answer);

INSERT INTO auth.users (id, email, encrypted_password) VALUES (md5('messages-orphaned')::uuid, 'messages-orphaned@example.invalid', '!');
INSERT INTO public.pam_conversations (id, user_id) VALUES (md5('messages-orphaned')::uuid, md5('messages-orphaned')::uuid);
UPDATE public.pam_messages SET conversation_id = md5('messages-orphaned')::uuid WHERE id IN (SELECT id FROM was);
-- The cascade stops here: as after a partial restore, the rows stay and the catalogue looks right.
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER stay BEFORE DELETE ON public.pam_messages FOR EACH ROW EXECUTE FUNCTION stay();
DELETE FROM auth.users WHERE id = md5('messages-orphaned')::uuid;
DROP TRIGGER stay ON public.pam_messages;

-- offenders
SELECT id FROM public.pam_messages message
WHERE NOT EXISTS (SELECT FROM public.pam_conversations WHERE id = message.conversation_id)

-- heal
UPDATE public.pam_messages now SET conversation_id = was.conversation_id FROM was WHERE now.id = was.id;
