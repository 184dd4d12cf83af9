-- id: messages-blank
-- criterion: DI-1, SC-4, POST-2
-- sentence: every message has a text
-- severity: critical
-- expectation: no rows; the newest first
-- dialect: product
-- tables: pam_messages
-- anchor: conversations-damaged

SELECT id
FROM pam_messages
WHERE content IS NULL OR content !~ '\S'
ORDER BY created_at DESC
