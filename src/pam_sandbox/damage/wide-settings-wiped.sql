-- summary: all seven columns of settings are {}, except those of the accounts that can sign in
-- product: pam-today

-- plant
CREATE TABLE was AS SELECT * FROM public.user_settings WHERE user_id IN (SELECT user_id FROM others);
UPDATE public.user_settings
SET display_preferences = '{}', integration_preferences = '{}', location_preferences = '{}', notification_preferences = '{}',
    pam_preferences = '{}', privacy_preferences = '{}', regional_preferences = '{}'
WHERE user_id IN (SELECT user_id FROM was);

-- offenders
SELECT user_id FROM public.user_settings WHERE display_preferences = '{}' AND regional_preferences = '{}'

-- heal
ALTER TABLE public.user_settings DISABLE TRIGGER touch;
UPDATE public.user_settings now
SET display_preferences = was.display_preferences, integration_preferences = was.integration_preferences,
    location_preferences = was.location_preferences, notification_preferences = was.notification_preferences,
    pam_preferences = was.pam_preferences, privacy_preferences = was.privacy_preferences,
    regional_preferences = was.regional_preferences, updated_at = was.updated_at
FROM was WHERE now.user_id = was.user_id;
ALTER TABLE public.user_settings ENABLE TRIGGER touch;
