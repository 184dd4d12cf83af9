-- summary: some settings are there twice, although the unique constraint is in place: its index is damaged
-- needs: superuser

-- plant
CREATE TABLE added AS
SELECT md5('settings-duplicated ' || id)::uuid AS id, user_id, setting_name, setting_value, created_at, updated_at
FROM public.user_settings
WHERE user_id IN (SELECT user_id FROM others)
ORDER BY user_id DESC, setting_name, id
LIMIT 6;
-- As a change of collation does it: the index says that it is unique, and is not.
UPDATE pg_index SET indisunique = false WHERE indexrelid = 'public.user_settings_user_id_setting_name_key'::regclass;
INSERT INTO public.user_settings (id, user_id, setting_name, setting_value, created_at, updated_at) SELECT * FROM added;
UPDATE pg_index SET indisunique = true WHERE indexrelid = 'public.user_settings_user_id_setting_name_key'::regclass;

-- offenders
SELECT user_id, setting_name FROM public.user_settings GROUP BY user_id, setting_name HAVING count(*) > 1

-- heal
DELETE FROM public.user_settings WHERE id IN (SELECT id FROM added);
