-- The predicates of checks/integrity, written by hand: one query a table, as somebody who knows PostgreSQL would.
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL work_mem = '64MB';
SELECT count(*),
       count(*) FILTER (WHERE account.created_at < now() - interval '120 seconds' AND profile.id IS NULL)
FROM auth.users account LEFT JOIN profiles profile ON profile.id = account.id;
SELECT count(*),
       count(*) FILTER (WHERE email IS NULL OR strpos(email, '@') < 2),
       count(*) FILTER (WHERE created_at > now() + interval '5 minutes'),
       count(*) FILTER (WHERE created_at < now() - interval '120 seconds' AND setting.user_id IS NULL)
FROM profiles LEFT JOIN (SELECT DISTINCT user_id FROM user_settings) setting ON setting.user_id = profiles.id;
SELECT count(*),
       count(*) FILTER (WHERE setting_value IS NULL OR setting_value IN ('null', '{}', '[]')
                        OR (jsonb_typeof(setting_value) = 'string' AND setting_value #>> '{}' !~ '\S')),
       count(*) FILTER (WHERE setting.created_at > now() + interval '5 minutes'),
       count(*) FILTER (WHERE owner.id IS NULL),
       (SELECT count(*)
        FROM (SELECT row_number() OVER (PARTITION BY user_id, setting_name) AS place FROM user_settings) counted WHERE place = 2)
FROM user_settings setting LEFT JOIN auth.users owner ON owner.id = setting.user_id;
SELECT count(*),
       count(*) FILTER (WHERE conversation.created_at > now() + interval '5 minutes'),
       count(*) FILTER (WHERE owner.id IS NULL),
       count(*) FILTER (WHERE conversation.context_data ->> 'user_id' <> conversation.user_id::text)
FROM pam_conversations conversation LEFT JOIN auth.users owner ON owner.id = conversation.user_id;
SELECT count(*),
       count(*) FILTER (WHERE content IS NULL OR content !~ '\S'),
       count(*) FILTER (WHERE message.created_at > now() + interval '5 minutes'),
       count(*) FILTER (WHERE conversation.id IS NULL),
       count(*) FILTER (WHERE message.metadata ->> 'user_id' <> conversation.user_id::text),
       (SELECT count(*)
        FROM (SELECT conversation_id, created_at, row_number() OVER (PARTITION BY conversation_id, created_at) AS place
              FROM pam_messages) counted
        WHERE place = 2 AND EXISTS (
            SELECT FROM pam_messages one
            WHERE one.conversation_id = counted.conversation_id AND one.created_at = counted.created_at
            GROUP BY role, content HAVING count(*) > 1)),
       (SELECT count(*) FROM (
            SELECT FROM pam_messages GROUP BY conversation_id
            HAVING max(created_at) FILTER (WHERE role = 'user') < now() - interval '120 seconds'
               AND max(created_at) FILTER (WHERE role = 'user')
                   > coalesce(max(created_at) FILTER (WHERE role = 'assistant'), '-infinity')) unanswered)
FROM pam_messages message LEFT JOIN pam_conversations conversation ON conversation.id = message.conversation_id;
SELECT count(*),
       count(*) FILTER (WHERE amount IS NULL OR amount < 0 OR amount >= 1000000),
       count(*) FILTER (WHERE category IS NULL OR category !~ '\S' OR user_id IS NULL OR date IS NULL
                        OR date < '1990-01-01' OR date > current_date + 3660),
       count(*) FILTER (WHERE expense.created_at > now() + interval '5 minutes'),
       count(*) FILTER (WHERE owner.id IS NULL),
       (SELECT count(*)
        FROM (SELECT created_at, row_number() OVER (PARTITION BY created_at) AS place FROM expenses) counted
        WHERE place = 2 AND EXISTS (
            SELECT FROM expenses one WHERE one.created_at = counted.created_at
            GROUP BY user_id, amount, category, date, description HAVING count(*) > 1))
FROM expenses expense LEFT JOIN auth.users owner ON owner.id = expense.user_id;
SELECT count(*), count(*) FILTER (WHERE ticket.created_at > now() + interval '5 minutes'), count(*) FILTER (WHERE owner.id IS NULL)
FROM support_tickets ticket LEFT JOIN auth.users owner ON owner.id = ticket.user_id;
COMMIT;
