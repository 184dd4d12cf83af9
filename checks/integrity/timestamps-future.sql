-- id: timestamps-future
-- criterion: SC-4, POST-2
-- sentence: no row was created in the future
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: profiles, user_settings, pam_conversations, pam_messages, expenses, support_tickets
-- anchor: data-corrupted

SELECT 'profile' AS object, id::text AS id FROM profiles WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'setting' AS object, id::text AS id FROM user_settings WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'conversation' AS object, id::text AS id FROM pam_conversations WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'message' AS object, id::text AS id FROM pam_messages WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'expense' AS object, id::text AS id FROM expenses WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'ticket' AS object, id::text AS id FROM support_tickets WHERE created_at > now() + interval '5 minutes'
