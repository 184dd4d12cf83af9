-- summary: who is signed in may not read settings any more, whatever the policies say

-- plant
REVOKE SELECT ON public.user_settings FROM authenticated;

-- offenders
SELECT 'user_settings' WHERE NOT has_table_privilege('authenticated', 'public.user_settings', 'SELECT')

-- heal
GRANT SELECT ON public.user_settings TO authenticated;
