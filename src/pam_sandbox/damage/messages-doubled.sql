-- summary: some messages are stored twice, each with an id of its own, as after writes that were sent again

-- plant
CREATE TABLE added AS
SELECT md5('messages-doubled ' || message.id)::uuid AS id, message.id AS original
FROM public.pam_messages message
JOIN public.pam_conversations conversation ON conversation.id = message.conversation_id
WHERE conversation.user_id IN (SELECT user_id FROM others) AND message.created_at < now() - interval '1 hour'
ORDER BY message.created_at DESC, message.id
LIMIT 8;
INSERT INTO public.pam_messages (id, conversation_id, role, content, intent, confidence, entities, metadata, created_at)
SELECT added.id, conversation_id, role, content, intent, confidence, entities, metadata, created_at
FROM added
JOIN public.pam_messages message ON message.id = added.original;

-- offenders
SELECT conversation_id, created_at FROM public.pam_messages GROUP BY conversation_id, role, content, created_at HAVING count(*) > 1

-- heal
DELETE FROM public.pam_messages WHERE id IN (SELECT id FROM added);
