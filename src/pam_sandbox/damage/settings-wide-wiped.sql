-- summary: beside the settings a table that holds them in the wide form, a row a user; all seven of everybody are wiped

-- plant
CREATE TABLE user_settings (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    display_preferences      jsonb DEFAULT '{"theme": "system"}',
    integration_preferences  jsonb DEFAULT '{"calendar": false}',
    location_preferences     jsonb DEFAULT '{"sharing": false}',
    notification_preferences jsonb DEFAULT '{"email": true}',
    pam_preferences          jsonb DEFAULT '{"voice": true}',
    privacy_preferences      jsonb DEFAULT '{"profile": "private"}',
    regional_preferences     jsonb DEFAULT '{"currency": "EUR"}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO user_settings (user_id, created_at) SELECT id, created_at FROM auth.users;
UPDATE user_settings
SET display_preferences = '{}', integration_preferences = '{}', location_preferences = '{}', notification_preferences = '{}',
    pam_preferences = '{}', privacy_preferences = '{}', regional_preferences = '{}'
WHERE user_id IN (SELECT user_id FROM others);
ALTER TABLE user_settings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_settings ON user_settings TO authenticated USING (auth.uid() = user_id);
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA range_undo_settings_wide_wiped TO authenticated, service_role, %I', current_setting('range.auditor'));
    EXECUTE format('GRANT SELECT ON user_settings TO %I', current_setting('range.auditor'));
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_settings TO authenticated, service_role;

-- offenders
SELECT oid::regclass FROM pg_class WHERE oid = to_regclass('range_undo_settings_wide_wiped.user_settings')

-- heal
DROP TABLE user_settings;
