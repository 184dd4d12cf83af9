ALTER TABLE public.expenses DROP COLUMN trip_id;
DROP TABLE public.trips;
