-- summary: who has no avatar cannot change their profile any more: the policy has another condition

-- plant
ALTER POLICY own_profile_is_editable ON public.profiles USING (auth.uid() = id AND avatar_url IS NOT NULL);

-- offenders
SELECT polname FROM pg_policy WHERE polname = 'own_profile_is_editable' AND pg_get_expr(polqual, polrelid) LIKE '%avatar%'

-- heal
ALTER POLICY own_profile_is_editable ON public.profiles USING (auth.uid() = id);
