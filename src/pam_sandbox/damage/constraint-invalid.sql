-- summary: the foreign key from the profiles to their accounts holds for new rows only (NOT VALID)

-- plant
ALTER TABLE public.profiles DROP CONSTRAINT profiles_id_fkey;
ALTER TABLE public.profiles ADD CONSTRAINT profiles_id_fkey FOREIGN KEY (id) REFERENCES auth.users (id) ON DELETE CASCADE NOT VALID;

-- offenders
SELECT conname FROM pg_constraint WHERE conrelid = 'public.profiles'::regclass AND conname = 'profiles_id_fkey' AND NOT convalidated

-- heal
ALTER TABLE public.profiles VALIDATE CONSTRAINT profiles_id_fkey;
