-- The rollback plan's three integrity queries, on tables of the plan's own shape.
SELECT count(*), count(CASE WHEN created_at > now() - interval '1 hour' THEN 1 END), count(CASE WHEN response IS NULL THEN 1 END)
FROM pam_conversations;
SELECT count(*), count(CASE WHEN settings IS NOT NULL THEN 1 END) FROM profiles;
SELECT count(*) FROM expenses WHERE created_at > now() - interval '1 hour' AND amount IS NULL;
