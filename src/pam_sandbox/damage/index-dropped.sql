-- summary: the index on the time of the expenses is gone

-- plant
DROP INDEX public.expenses_by_time;

-- offenders
SELECT 'expenses_by_time' WHERE to_regclass('public.expenses_by_time') IS NULL

-- heal
CREATE INDEX expenses_by_time ON public.expenses (created_at);
