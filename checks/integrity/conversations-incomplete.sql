-- id: conversations-incomplete
-- criterion: DI-1, SC-4, POST-2
-- sentence: every conversation has its response, once the grace period for answers is over
-- severity: critical
-- expectation: no rows; the oldest first
-- dialect: plan
-- tables: pam_conversations
-- anchor: conversations-damaged

SELECT id
FROM pam_conversations
WHERE (response IS NULL OR response !~ '\S')
  AND created_at < now() - make_interval(secs => %(grace_s)s)
  AND user_id IS DISTINCT FROM %(test_user)s::uuid
ORDER BY created_at
