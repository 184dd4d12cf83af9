-- id: settings-duplicate
-- criterion: DI-2, SC-4, POST-2
-- sentence: nobody has the same setting twice
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: user_settings
-- anchor: profiles-damaged

-- The settings come in the order of an index, so that nothing is sorted.
WITH counted AS (
    SELECT setting.user_id, row_number() OVER (PARTITION BY setting.user_id, setting.setting_name) AS place
    FROM user_settings AS setting
)
SELECT counted.user_id
FROM counted
WHERE counted.place = 2
