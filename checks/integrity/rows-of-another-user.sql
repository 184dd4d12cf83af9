-- id: rows-of-another-user
-- criterion: DI-1, SC-4, POST-2
-- sentence: no message and no conversation carries the id of a user other than its owner
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: pam_messages, pam_conversations
-- anchor: conversations-damaged

-- The tables name an owner once; what the product writes beside it (metadata, context) is the only second witness.
SELECT 'message' AS object, message.id::text AS id
FROM pam_messages AS message
JOIN pam_conversations AS conversation ON conversation.id = message.conversation_id
WHERE message.metadata ->> 'user_id' <> conversation.user_id::text
UNION ALL
SELECT 'conversation' AS object, conversation.id::text AS id
FROM pam_conversations AS conversation
WHERE conversation.context_data ->> 'user_id' <> conversation.user_id::text
