-- What a traveller spent belongs to a trip. Releases before this one neither read nor write it.
CREATE TABLE public.trips (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX trips_by_user ON public.trips (user_id);
CREATE TRIGGER touch BEFORE UPDATE ON public.trips FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE public.trips ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_trips ON public.trips TO authenticated USING (auth.uid() = user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.trips TO anon, authenticated, service_role;

ALTER TABLE public.expenses ADD COLUMN trip_id uuid REFERENCES public.trips (id) ON DELETE SET NULL;
CREATE INDEX expenses_by_trip ON public.expenses (trip_id);
