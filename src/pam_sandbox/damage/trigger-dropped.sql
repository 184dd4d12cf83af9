-- summary: a changed expense does not note any more when it was changed: the trigger is gone

-- plant
DROP TRIGGER touch ON public.expenses;

-- offenders
SELECT 'expenses' WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'public.expenses'::regclass AND tgname = 'touch')

-- heal
CREATE TRIGGER touch BEFORE UPDATE ON public.expenses FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
