-- summary: nothing tells the support tickets apart any more: their primary key is gone

-- plant
ALTER TABLE public.support_tickets DROP CONSTRAINT support_tickets_pkey;

-- offenders
SELECT 'support_tickets' WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'support_tickets_pkey')

-- heal
ALTER TABLE public.support_tickets ADD CONSTRAINT support_tickets_pkey PRIMARY KEY (id);
