-- id: settings-duplicate
-- criterion: DI-2, SC-4, POST-2
-- sentence: nobody has the same setting twice
-- severity: critical
-- expectation: no rows; the most copies first
-- dialect: product
-- tables: user_settings
-- anchor: profiles-damaged

SELECT setting.user_id
FROM user_settings AS setting
GROUP BY setting.user_id, setting.setting_name
HAVING count(*) > 1
ORDER BY count(*) DESC
