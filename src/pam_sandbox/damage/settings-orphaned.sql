-- summary: the settings of some accounts stayed when the accounts went, although the foreign key is in place

-- plant
CREATE TABLE ghost AS SELECT md5('settings-orphaned ' || number)::uuid AS id FROM generate_series(1, 3) number;
INSERT INTO auth.users (id, email, encrypted_password) SELECT id, id || '@example.invalid', '!' FROM ghost;
INSERT INTO public.user_settings (id, user_id, setting_name, setting_value)
SELECT md5(ghost.id || name)::uuid, ghost.id, name, '"system"' FROM ghost, unnest(ARRAY['theme', 'currency']) name;
-- The cascade stops here: as after a partial restore, the rows stay and the catalogue looks right.
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER stay BEFORE DELETE ON public.user_settings FOR EACH ROW EXECUTE FUNCTION stay();
DELETE FROM auth.users WHERE id IN (SELECT id FROM ghost);
DROP TRIGGER stay ON public.user_settings;

-- offenders
SELECT id FROM public.user_settings setting WHERE NOT EXISTS (SELECT FROM auth.users WHERE id = setting.user_id)

-- heal
DELETE FROM public.user_settings WHERE user_id IN (SELECT id FROM ghost);
