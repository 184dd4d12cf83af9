-- summary: some questions and answers stand in another user's conversation, which began later than they; metadata.user_id is whose they are

-- plant
CREATE TABLE exchange AS
SELECT question.id AS question, answer.id AS answer, conversation.id AS conversation_id, conversation.user_id,
       row_number() OVER (ORDER BY question.created_at, question.id) AS number
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
ORDER BY number
LIMIT 4;
CREATE TABLE was AS
SELECT message.id, message.conversation_id, message.metadata, exchange.user_id, exchange.number
FROM public.pam_messages message
JOIN exchange ON message.id IN (exchange.question, exchange.answer);
UPDATE public.pam_messages now
SET conversation_id = other.id, metadata = was.metadata || jsonb_build_object('user_id', was.user_id)
FROM was
JOIN (
    SELECT id, row_number() OVER (ORDER BY created_at DESC, id) AS number
    FROM public.pam_conversations
    WHERE user_id IN (SELECT user_id FROM others)
) other ON other.number = was.number
WHERE now.id = was.id;

-- offenders
SELECT message.id
FROM public.pam_messages message
JOIN public.pam_conversations conversation ON conversation.id = message.conversation_id
WHERE message.created_at < conversation.created_at OR message.metadata ->> 'user_id' <> conversation.user_id::text

-- heal
UPDATE public.pam_messages now SET conversation_id = was.conversation_id, metadata = was.metadata FROM was WHERE now.id = was.id;
