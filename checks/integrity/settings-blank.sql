-- id: settings-blank
-- criterion: DI-2, SC-4, POST-2
-- sentence: every setting has a value: no JSON null, no empty object, list or text
-- severity: critical
-- expectation: no rows; the latest changed first
-- dialect: product
-- tables: user_settings
-- anchor: profiles-damaged

SELECT id, user_id
FROM user_settings
WHERE setting_value IS NULL
   OR setting_value IN ('null', '{}', '[]')
   OR (jsonb_typeof(setting_value) = 'string' AND setting_value #>> '{}' !~ '\S')
ORDER BY updated_at DESC
