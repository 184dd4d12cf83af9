-- id: plan-timestamps-future
-- criterion: SC-4, POST-2
-- sentence: no row was created in the future
-- severity: critical
-- expectation: no rows
-- dialect: plan
-- tables: profiles, pam_conversations, expenses
-- anchor: data-corrupted

SELECT 'profile' AS object, id::text AS id FROM profiles WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'conversation' AS object, id::text AS id FROM pam_conversations WHERE created_at > now() + interval '5 minutes'
UNION ALL
SELECT 'expense' AS object, id::text AS id FROM expenses WHERE created_at > now() + interval '5 minutes'
