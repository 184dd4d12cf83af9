-- summary: a view shows everybody the messages of all users: it asks with its owner's rights, which no policy narrows

-- plant
CREATE VIEW public.recent_messages AS SELECT id, content, created_at FROM public.pam_messages;
GRANT SELECT ON public.recent_messages TO PUBLIC;

-- offenders
SELECT oid::regclass FROM pg_class WHERE oid = to_regclass('public.recent_messages')

-- heal
DROP VIEW public.recent_messages;
