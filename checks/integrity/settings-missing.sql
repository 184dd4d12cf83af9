-- id: settings-missing
-- criterion: DI-2, SC-4, POST-2
-- sentence: every profile has at least one setting
-- severity: critical
-- expectation: no rows; the newest first
-- dialect: product
-- tables: profiles, user_settings
-- anchor: profiles-damaged

SELECT profile.id
FROM profiles AS profile
WHERE profile.created_at < now() - make_interval(secs => %(grace_s)s)
  AND NOT EXISTS (SELECT FROM user_settings AS setting WHERE setting.user_id = profile.id)
ORDER BY profile.created_at DESC
