-- summary: some answers that are older than a day say something else than they did, and nothing tells so

-- plant
CREATE TABLE was AS
SELECT id, content
FROM public.pam_messages
WHERE role = 'assistant' AND created_at < now() - interval '1 day' AND content <> ''
    AND conversation_id IN (SELECT id FROM public.pam_conversations WHERE user_id IN (SELECT user_id FROM others))
ORDER BY created_at, id
LIMIT 9;
UPDATE public.pam_messages
SET content = 'Campgrounds near the coast are open all year, and most of them have a place for tonight.'
WHERE id IN (SELECT id FROM was);

-- offenders
SELECT id
FROM public.pam_messages
WHERE content = 'Campgrounds near the coast are open all year, and most of them have a place for tonight.'

-- heal
UPDATE public.pam_messages now SET content = was.content FROM was WHERE now.id = was.id;
