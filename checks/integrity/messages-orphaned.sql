-- id: messages-orphaned
-- criterion: DI-1, SC-4, POST-2
-- sentence: every message belongs to a conversation that exists
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: pam_messages, pam_conversations
-- anchor: conversations-damaged

SELECT message.id
FROM pam_messages AS message
WHERE NOT EXISTS (SELECT FROM pam_conversations AS conversation WHERE conversation.id = message.conversation_id)
