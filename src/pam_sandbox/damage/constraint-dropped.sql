-- summary: the check on who a message is from is gone

-- plant
ALTER TABLE public.pam_messages DROP CONSTRAINT pam_messages_role_check;

-- offenders
SELECT 'pam_messages_role_check'
WHERE NOT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = 'public.pam_messages'::regclass AND conname = 'pam_messages_role_check'
)

-- heal
ALTER TABLE public.pam_messages ADD CONSTRAINT pam_messages_role_check CHECK (role IN ('user', 'assistant', 'system'));
