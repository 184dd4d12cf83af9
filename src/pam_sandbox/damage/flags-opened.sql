-- summary: anybody may switch features for everybody: a new privilege and a new policy on the table of flags

-- plant
GRANT UPDATE ON public.feature_flags TO anon;
CREATE POLICY flags_are_everybodys ON public.feature_flags FOR UPDATE TO anon USING (true);

-- offenders
SELECT polname FROM pg_policy WHERE polrelid = 'public.feature_flags'::regclass AND polname = 'flags_are_everybodys'

-- heal
DROP POLICY flags_are_everybodys ON public.feature_flags;
REVOKE UPDATE ON public.feature_flags FROM anon;
