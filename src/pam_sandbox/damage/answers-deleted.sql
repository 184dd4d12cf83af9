-- summary: the last answers of some conversations are gone; their questions, an hour old at least, stay

-- plant
CREATE TABLE lost AS
SELECT answer.*
FROM (
    SELECT DISTINCT ON (conversation_id) *
    FROM public.pam_messages
    WHERE role <> 'system'
    ORDER BY conversation_id, created_at DESC
) answer
JOIN public.pam_conversations conversation ON conversation.id = answer.conversation_id
WHERE answer.role = 'assistant' AND answer.created_at < now() - interval '1 hour'
  AND conversation.user_id IN (SELECT user_id FROM others)
ORDER BY answer.created_at DESC, answer.id
LIMIT 20;
DELETE FROM public.pam_messages WHERE id IN (SELECT id FROM lost);

-- offenders
SELECT id
FROM (
    SELECT DISTINCT ON (conversation_id) id, role, created_at
    FROM public.pam_messages
    WHERE role <> 'system'
    ORDER BY conversation_id, created_at DESC
) newest
WHERE role = 'user' AND created_at < now() - interval '10 minutes'

-- heal
INSERT INTO public.pam_messages SELECT * FROM lost;
