-- id: messages-duplicate
-- criterion: DI-1, SC-4, POST-2
-- sentence: no message is stored twice: same conversation, role and text at the same moment
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: pam_messages
-- anchor: conversations-damaged

-- The pairs come from an index; texts are compared only where a pair is there twice.
WITH crowded AS (
    SELECT message.conversation_id, message.created_at
    FROM pam_messages AS message
    GROUP BY message.conversation_id, message.created_at
    HAVING count(*) > 1
)
SELECT doubled.id
FROM crowded
CROSS JOIN LATERAL (
    SELECT max(message.id::text) AS id
    FROM pam_messages AS message
    WHERE message.conversation_id = crowded.conversation_id AND message.created_at = crowded.created_at
    GROUP BY message.role, message.content
    HAVING count(*) > 1
) AS doubled
