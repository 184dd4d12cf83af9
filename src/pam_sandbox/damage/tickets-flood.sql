-- summary: forty support tickets came in the last half hour, from as many travellers, all about the same thing

-- plant
CREATE TABLE flood AS
SELECT gen_random_uuid() AS id, user_id, now() - number * interval '42 seconds' AS opened
FROM (
    SELECT id AS user_id, row_number() OVER (ORDER BY id) AS number
    FROM public.profiles
    WHERE id NOT IN (SELECT user_id FROM spared)
) traveller
WHERE number <= 40;
INSERT INTO public.support_tickets (id, user_id, subject, message, created_at, updated_at)
SELECT id, user_id, 'PAM does not answer', 'I ask, and nothing comes back.', opened, opened FROM flood;

-- offenders
SELECT id
FROM public.support_tickets
WHERE subject = 'PAM does not answer' AND created_at > now() - interval '1 hour'

-- heal
DELETE FROM public.support_tickets WHERE id IN (SELECT id FROM flood);
