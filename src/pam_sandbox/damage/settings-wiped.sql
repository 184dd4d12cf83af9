-- summary: every setting has the value {}, except those of the accounts that can sign in

-- plant
CREATE TABLE was AS
SELECT id, setting_value, updated_at
FROM public.user_settings setting
WHERE user_id IN (SELECT user_id FROM others)
  -- A setting that is there twice could not be written again.
  AND NOT EXISTS (
      SELECT FROM public.user_settings twin
      WHERE twin.user_id = setting.user_id AND twin.setting_name = setting.setting_name AND twin.id <> setting.id
  );
UPDATE public.user_settings SET setting_value = '{}' WHERE id IN (SELECT id FROM was);

-- offenders
SELECT id FROM public.user_settings WHERE setting_value = '{}'

-- heal
ALTER TABLE public.user_settings DISABLE TRIGGER touch;
UPDATE public.user_settings now SET setting_value = was.setting_value, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.user_settings ENABLE TRIGGER touch;
