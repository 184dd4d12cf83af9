-- id: conversations-orphaned
-- criterion: DI-1, SC-4, POST-2
-- sentence: every conversation belongs to a user who exists
-- severity: critical
-- expectation: no rows
-- dialect: both
-- tables: pam_conversations, auth.users
-- anchor: conversations-damaged

SELECT conversation.id
FROM pam_conversations AS conversation
WHERE NOT EXISTS (SELECT FROM auth.users AS owner WHERE owner.id = conversation.user_id)
