-- summary: one in five messages that are older than a day is gone, questions and answers alike, and nothing else tells so
-- product: pam-today

-- plant
CREATE TABLE lost AS
SELECT message.*
FROM public.pam_messages message
WHERE id IN (
    SELECT id
    FROM (
        SELECT found.id, row_number() OVER (ORDER BY found.created_at, found.id) AS number
        FROM public.pam_messages found
        JOIN public.pam_conversations conversation ON conversation.id = found.conversation_id
        WHERE conversation.user_id IN (SELECT user_id FROM others) AND found.created_at < now() - interval '1 day'
    ) old
    WHERE number % 5 = 0
);
DELETE FROM public.pam_messages WHERE id IN (SELECT id FROM lost);

-- offenders
SELECT conversation.id
FROM public.pam_conversations conversation
JOIN public.pam_messages message ON message.conversation_id = conversation.id
GROUP BY conversation.id
HAVING count(*) FILTER (WHERE message.role = 'user') <> count(*) FILTER (WHERE message.role = 'assistant')

-- heal
INSERT INTO public.pam_messages SELECT * FROM lost;
