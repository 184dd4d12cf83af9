-- summary: some accounts have lost their profile

-- plant
CREATE TABLE lost AS
SELECT * FROM public.profiles WHERE id IN (SELECT user_id FROM others) ORDER BY id LIMIT 10;
DELETE FROM public.profiles WHERE id IN (SELECT id FROM lost);

-- offenders
SELECT id FROM auth.users account WHERE NOT EXISTS (SELECT FROM public.profiles WHERE id = account.id)

-- heal
INSERT INTO public.profiles SELECT * FROM lost;
