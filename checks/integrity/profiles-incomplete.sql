-- id: profiles-incomplete
-- criterion: DI-2, SC-4, POST-2
-- sentence: every profile has an e-mail address
-- severity: critical
-- expectation: no rows; the latest changed first
-- dialect: both
-- tables: profiles
-- anchor: profiles-damaged

SELECT id
FROM profiles
WHERE email IS NULL OR strpos(email, '@') < 2
ORDER BY updated_at DESC
