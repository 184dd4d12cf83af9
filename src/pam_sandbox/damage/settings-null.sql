-- summary: some settings have the JSON value null, which "IS NOT NULL" lets pass

-- plant
CREATE TABLE was AS
SELECT id, setting_value, updated_at
FROM public.user_settings
WHERE user_id IN (SELECT user_id FROM others) AND setting_value <> 'null'
ORDER BY user_id, setting_name, id
LIMIT 12;
UPDATE public.user_settings SET setting_value = 'null' WHERE id IN (SELECT id FROM was);

-- offenders
SELECT id FROM public.user_settings WHERE setting_value = 'null'

-- heal
ALTER TABLE public.user_settings DISABLE TRIGGER touch;
UPDATE public.user_settings now SET setting_value = was.setting_value, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.user_settings ENABLE TRIGGER touch;
