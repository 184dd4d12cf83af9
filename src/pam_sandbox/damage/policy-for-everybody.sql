-- summary: a policy beside the others shows everybody's profile to anybody, signed in or not

-- plant
CREATE POLICY everybody_is_visible ON public.profiles FOR SELECT TO anon, authenticated USING (true);

-- offenders
SELECT polname FROM pg_policy WHERE polname = 'everybody_is_visible'

-- heal
DROP POLICY everybody_is_visible ON public.profiles;
