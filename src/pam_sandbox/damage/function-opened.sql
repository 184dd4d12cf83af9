-- summary: a function tells everybody how much others spent: it is carried out with its owner's rights

-- plant
CREATE FUNCTION public.spent_by(somebody uuid) RETURNS numeric
    LANGUAGE sql STABLE SECURITY DEFINER
    AS $$ SELECT sum(amount) FROM public.expenses WHERE user_id = somebody $$;

-- offenders
SELECT oid::regprocedure FROM pg_proc WHERE oid = to_regprocedure('public.spent_by(uuid)') AND prosecdef

-- heal
DROP FUNCTION public.spent_by(uuid);
