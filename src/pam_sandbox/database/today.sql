-- What today's product has beyond the tables that it shares with the plan's: settings in the wide form, and Supabase's own list of
-- what was applied. Sections open as in schema.sql; their names have blanks, as some of the product's have.

-- migration: 20261104083000 wide user settings
DROP TABLE public.user_settings;
CREATE TABLE public.user_settings (
    user_id                  uuid PRIMARY KEY DEFAULT auth.uid() REFERENCES auth.users (id) ON DELETE CASCADE,
    display_preferences      jsonb DEFAULT '{}',
    integration_preferences  jsonb DEFAULT '{}',
    location_preferences     jsonb DEFAULT '{}',
    notification_preferences jsonb DEFAULT '{}',
    pam_preferences          jsonb DEFAULT '{}',
    privacy_preferences      jsonb DEFAULT '{}',
    regional_preferences     jsonb DEFAULT '{}',
    created_at               timestamptz DEFAULT now(),
    updated_at               timestamptz DEFAULT now()
);
CREATE TRIGGER touch BEFORE UPDATE ON public.user_settings FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE public.user_settings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_settings ON public.user_settings TO authenticated USING (auth.uid() = user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.user_settings TO anon, authenticated, service_role;

-- migration: 20261112090000 system settings
CREATE TABLE public.system_settings (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    setting_key   text UNIQUE NOT NULL,
    setting_value jsonb NOT NULL,
    description   text,
    updated_at    timestamptz DEFAULT now(),
    updated_by    uuid
);
CREATE TRIGGER touch BEFORE UPDATE ON public.system_settings FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE public.system_settings ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.system_settings TO service_role;
INSERT INTO public.system_settings (setting_key, setting_value) VALUES ('ai_router_enabled', '{"enabled": true}');

-- migration: 20261118071500 list of migrations as supabase keeps it
DROP TABLE public.schema_migrations;
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (
    version    text PRIMARY KEY,
    statements text[],
    name       text
);
