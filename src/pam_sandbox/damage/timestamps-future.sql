-- summary: some expenses and some answers were created a year from now

-- plant
CREATE TABLE expense_was AS
SELECT id, created_at, updated_at
FROM public.expenses
WHERE user_id IN (SELECT user_id FROM others) AND amount >= 0
ORDER BY created_at DESC, id
LIMIT 5;
UPDATE public.expenses SET created_at = now() + interval '365 days' WHERE id IN (SELECT id FROM expense_was);
-- The last answer of a conversation: the order of its messages stays.
CREATE TABLE message_was AS
SELECT newest.id, newest.created_at
FROM (
    SELECT DISTINCT ON (conversation_id) * FROM public.pam_messages ORDER BY conversation_id, created_at DESC
) newest
JOIN public.pam_conversations conversation ON conversation.id = newest.conversation_id
WHERE newest.role = 'assistant' AND conversation.user_id IN (SELECT user_id FROM others)
ORDER BY newest.created_at, newest.id
LIMIT 5;
UPDATE public.pam_messages SET created_at = now() + interval '365 days' WHERE id IN (SELECT id FROM message_was);

-- offenders
SELECT id::text FROM public.expenses WHERE created_at > now() + interval '1 day'
UNION ALL
SELECT id::text FROM public.pam_messages WHERE created_at > now() + interval '1 day'

-- heal
ALTER TABLE public.expenses DISABLE TRIGGER touch;
UPDATE public.expenses now SET created_at = was.created_at, updated_at = was.updated_at FROM expense_was was WHERE now.id = was.id;
ALTER TABLE public.expenses ENABLE TRIGGER touch;
UPDATE public.pam_messages now SET created_at = was.created_at FROM message_was was WHERE now.id = was.id;
