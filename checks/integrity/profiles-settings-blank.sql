-- id: profiles-settings-blank
-- criterion: DI-2, SC-4, POST-2
-- sentence: every profile has its settings, and each of them a value
-- severity: critical
-- expectation: no rows; the latest changed first
-- dialect: plan
-- tables: profiles
-- anchor: profiles-damaged

SELECT id
FROM profiles
WHERE created_at < now() - make_interval(secs => %(grace_s)s)
  AND (
      settings IS NULL
      OR jsonb_typeof(settings) <> 'object'
      OR settings = '{}'
      OR jsonb_path_exists(
          settings,
          '$.keyvalue().value ? (@ == null || @ == "" || (@.type() == "object" && !exists(@.*)) || (@.type() == "array" && !exists(@[*])))'
      )
  )
ORDER BY updated_at DESC
