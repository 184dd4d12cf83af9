-- id: settings-orphaned
-- criterion: DI-2, SC-4, POST-2
-- sentence: every setting belongs to a user who exists
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: user_settings, auth.users
-- anchor: profiles-damaged

SELECT setting.id
FROM user_settings AS setting
WHERE NOT EXISTS (SELECT FROM auth.users AS owner WHERE owner.id = setting.user_id)
