-- summary: everybody else's profile has the same name, and says that it was changed

-- plant
CREATE TABLE was AS SELECT id, full_name, updated_at FROM public.profiles WHERE id IN (SELECT user_id FROM others);
UPDATE public.profiles SET full_name = 'Somebody Else' WHERE id IN (SELECT id FROM was);

-- offenders
SELECT id FROM public.profiles WHERE full_name = 'Somebody Else'

-- heal
ALTER TABLE public.profiles DISABLE TRIGGER touch;
UPDATE public.profiles now SET full_name = was.full_name, updated_at = was.updated_at FROM was WHERE now.id = was.id;
ALTER TABLE public.profiles ENABLE TRIGGER touch;
