-- summary: some profiles have no e-mail address: none at all, an empty one, or blank space

-- plant
CREATE TABLE was AS
SELECT id, email, updated_at, row_number() OVER (ORDER BY id) AS number
FROM public.profiles
WHERE id IN (SELECT user_id FROM others) AND btrim(email) <> ''
ORDER BY number
LIMIT 8;
-- An address is there once at most, so there is one empty one only, and blanks of different lengths.
UPDATE public.profiles now
SET email = CASE WHEN was.number <= 5 THEN NULL ELSE repeat(' ', was.number::integer - 6) END
FROM was
WHERE now.id = was.id;

-- offenders
SELECT id FROM public.profiles WHERE coalesce(btrim(email), '') = ''

-- heal
ALTER TABLE public.profiles DISABLE TRIGGER touch;
UPDATE public.profiles now SET email = was.email, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.profiles ENABLE TRIGGER touch;
