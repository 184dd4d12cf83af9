-- summary: a notice of an incident that is long over still stands in the app

-- plant
CREATE TABLE was AS SELECT * FROM public.app_notice;
UPDATE public.app_notice
SET active = true, text = 'PAM answers slowly. We are on it.', since = now() - interval '3 hours', updated_by = 'alex';

-- offenders
SELECT since FROM public.app_notice WHERE active

-- heal
ALTER TABLE public.app_notice DISABLE TRIGGER touch;
UPDATE public.app_notice now
SET active = was.active, text = was.text, since = was.since, updated_by = was.updated_by, updated_at = was.updated_at
FROM was
WHERE now.only_row = was.only_row;
ALTER TABLE public.app_notice ENABLE TRIGGER touch;
