-- summary: some answers are there and say nothing: empty, or blank space only

-- plant
CREATE TABLE was AS
SELECT message.id, message.content, row_number() OVER (ORDER BY message.created_at DESC, message.id) AS number
FROM public.pam_messages message
JOIN public.pam_conversations conversation ON conversation.id = message.conversation_id
WHERE message.role = 'assistant' AND btrim(message.content, E' \n\t') <> ''
  AND conversation.user_id IN (SELECT user_id FROM others)
ORDER BY number
LIMIT 12;
UPDATE public.pam_messages now
SET content = CASE was.number % 3 WHEN 0 THEN '' WHEN 1 THEN '   ' ELSE E'\n\t' END
FROM was
WHERE now.id = was.id;

-- offenders
SELECT id FROM public.pam_messages WHERE btrim(content, E' \n\t') = ''

-- heal
UPDATE public.pam_messages now SET content = was.content FROM was WHERE now.id = was.id;
