-- id: messages-duplicate
-- criterion: DI-1, SC-4, POST-2
-- sentence: no message is stored twice: same conversation, role and text at the same moment
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: pam_messages
-- anchor: conversations-damaged

-- The pairs come in the order of an index, so that nothing is sorted; texts are compared only where a pair is there twice.
WITH counted AS (
    SELECT
        message.conversation_id,
        message.created_at,
        row_number() OVER (PARTITION BY message.conversation_id, message.created_at) AS place
    FROM pam_messages AS message
)
SELECT doubled.id
FROM counted
CROSS JOIN LATERAL (
    SELECT max(message.id::text) AS id
    FROM pam_messages AS message
    WHERE message.conversation_id = counted.conversation_id AND message.created_at = counted.created_at
    GROUP BY message.role, message.content
    HAVING count(*) > 1
) AS doubled
WHERE counted.place = 2
