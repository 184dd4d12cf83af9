-- summary: the conversations have no policy any more, so nobody who is signed in sees their own

-- plant
DROP POLICY own_conversation ON public.pam_conversations;

-- offenders
SELECT oid::regclass
FROM pg_class
WHERE oid = 'public.pam_conversations'::regclass AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)

-- heal
CREATE POLICY own_conversation ON public.pam_conversations TO authenticated USING (auth.uid() = user_id);
