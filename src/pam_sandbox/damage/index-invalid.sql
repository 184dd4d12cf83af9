-- summary: the index on the time of the messages is not valid, as after a build that failed
-- needs: superuser

-- plant
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.pam_messages_by_time'::regclass;

-- offenders
SELECT indexrelid::regclass FROM pg_index WHERE indexrelid = 'public.pam_messages_by_time'::regclass AND NOT indisvalid

-- heal
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'public.pam_messages_by_time'::regclass;
