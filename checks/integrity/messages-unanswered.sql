-- id: messages-unanswered
-- criterion: DI-1, SC-4, POST-2
-- sentence: every conversation's latest question has its answer, once the grace period for answers is over
-- severity: critical
-- expectation: no rows; the longest unanswered first
-- dialect: product
-- tables: pam_messages, pam_conversations
-- anchor: conversations-damaged

SELECT message.conversation_id
FROM pam_messages AS message
-- The test account asks all the time while this is read.
WHERE message.conversation_id <> ALL (ARRAY(SELECT own.id FROM pam_conversations AS own WHERE own.user_id = %(test_user)s::uuid))
GROUP BY message.conversation_id
HAVING max(message.created_at) FILTER (WHERE message.role = 'user') < now() - make_interval(secs => %(grace_s)s)
   AND max(message.created_at) FILTER (WHERE message.role = 'user')
       > coalesce(max(message.created_at) FILTER (WHERE message.role = 'assistant'), '-infinity')
ORDER BY max(message.created_at) FILTER (WHERE message.role = 'user')
