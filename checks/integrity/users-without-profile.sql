-- id: users-without-profile
-- criterion: DI-2, SC-4, POST-2
-- sentence: everybody who can sign in has a profile
-- severity: critical
-- expectation: no rows; the newest first
-- dialect: both
-- tables: auth.users, profiles
-- anchor: profiles-damaged

SELECT account.id
FROM auth.users AS account
WHERE account.created_at < now() - make_interval(secs => %(grace_s)s)
  AND NOT EXISTS (SELECT FROM profiles AS profile WHERE profile.id = account.id)
ORDER BY account.created_at DESC
