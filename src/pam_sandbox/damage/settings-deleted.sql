-- summary: some accounts have lost all their settings

-- plant
CREATE TABLE lost AS
SELECT *
FROM public.user_settings
WHERE user_id IN (
    SELECT id
    FROM public.profiles profile
    WHERE id IN (SELECT user_id FROM others) AND EXISTS (SELECT FROM public.user_settings WHERE user_id = profile.id)
    ORDER BY id
    LIMIT 10
);
DELETE FROM public.user_settings WHERE id IN (SELECT id FROM lost);

-- offenders
SELECT id FROM public.profiles profile WHERE NOT EXISTS (SELECT FROM public.user_settings WHERE user_id = profile.id)

-- heal
INSERT INTO public.user_settings SELECT * FROM lost;
