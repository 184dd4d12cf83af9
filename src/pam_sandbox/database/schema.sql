-- The product's database, as its migrations leave it.  Sections open with "-- migration: VERSION NAME"; create() runs them in
-- order, in one transaction, and notes each in public.schema_migrations with the checksum of its text.

-- migration: 20260105090000 roles_and_accounts
-- Roles belong to the whole server, so two databases that are made at once on one server must not trip over each other.
DO $$ BEGIN CREATE ROLE anon NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE authenticated NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE service_role NOLOGIN BYPASSRLS; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
-- Who creates a role may administer it, not act as it; a superuser needs no grant.
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT anon, authenticated, service_role TO %I', current_user);
    END IF;
END $$;

CREATE SCHEMA auth;
CREATE TABLE auth.users (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email              text NOT NULL UNIQUE,
    encrypted_password text NOT NULL,
    last_sign_in_at    timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
);

-- Who is asking, by the claims that PostgREST puts into the session.
CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;

CREATE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;

CREATE TABLE public.schema_migrations (
    version    text PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- migration: 20260112090000 core_tables
CREATE TABLE public.profiles (
    id               uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    email            text UNIQUE,
    full_name        text,
    avatar_url       text,
    privacy_settings jsonb NOT NULL DEFAULT '{}',
    preferences      jsonb NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.user_settings (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    setting_name  text NOT NULL,
    setting_value jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, setting_name)
);

CREATE TABLE public.pam_conversations (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      uuid NOT NULL UNIQUE REFERENCES auth.users (id) ON DELETE CASCADE,
    session_id   text,
    title        text,
    context_data jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.pam_messages (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL REFERENCES public.pam_conversations (id) ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content         text NOT NULL,
    intent          text,
    confidence      numeric(3, 2) CHECK (confidence BETWEEN 0 AND 1),
    entities        jsonb,
    metadata        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX pam_messages_by_conversation ON public.pam_messages (conversation_id, created_at);
CREATE INDEX pam_messages_by_time ON public.pam_messages (created_at);

CREATE TABLE public.expenses (
    id          bigserial PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    amount      numeric(10, 2) NOT NULL CHECK (amount >= 0),
    category    text NOT NULL,
    date        date NOT NULL DEFAULT current_date,
    description text,
    receipt_url text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX expenses_by_user ON public.expenses (user_id, date);
CREATE INDEX expenses_by_time ON public.expenses (created_at);

CREATE TABLE public.support_tickets (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    subject    text NOT NULL,
    message    text NOT NULL,
    status     text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX support_tickets_by_user ON public.support_tickets (user_id);
CREATE INDEX support_tickets_by_time ON public.support_tickets (created_at);

CREATE TRIGGER touch BEFORE UPDATE ON auth.users FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON public.user_settings FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON public.pam_conversations FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON public.expenses FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON public.support_tickets FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

-- migration: 20261005090000 feature_flags
CREATE TABLE public.feature_flags (
    name               text PRIMARY KEY,
    enabled            boolean NOT NULL,
    rollout_percentage integer NOT NULL CHECK (rollout_percentage BETWEEN 0 AND 100),
    updated_by         text NOT NULL DEFAULT 'migration',
    updated_at         timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER touch BEFORE UPDATE ON public.feature_flags FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

INSERT INTO public.feature_flags (name, enabled, rollout_percentage)
SELECT name, true, 100
FROM unnest(ARRAY[
    'PAM_ENHANCED_UI', 'PAM_VOICE_FEATURES', 'PAM_ACCESSIBILITY_SUITE', 'PAM_PERFORMANCE_OPTIMIZATIONS',
    'PAM_CONTEXT_MANAGEMENT', 'PAM_RESPONSE_CACHING', 'PAM_ANALYTICS_INTEGRATION', 'PAM_ERROR_RECOVERY',
    'PAM_VIRTUAL_SCROLLING', 'PAM_KEYBOARD_SHORTCUTS', 'PAM_SCREEN_READER_OPTIMIZATION', 'PAM_MOBILE_OPTIMIZATION',
    'PAM_AI_SUGGESTIONS', 'PAM_PROACTIVE_ASSISTANCE', 'PAM_MULTI_LANGUAGE'
]) AS name;

-- One row per administrative change: who, what, when, and the touched flags before and after.
CREATE TABLE public.flag_history (
    id           bigserial PRIMARY KEY,
    changed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    initiated_by text NOT NULL,
    action       text NOT NULL CHECK (action IN ('set', 'disable-all-pam', 'cache-clear', 'emergency-rollback')),
    reason       text,
    before       jsonb NOT NULL,
    after        jsonb NOT NULL
);
CREATE INDEX flag_history_by_action ON public.flag_history (action, id);

ALTER TABLE public.feature_flags ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.flag_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY flags_are_visible ON public.feature_flags FOR SELECT TO authenticated USING (true);
GRANT SELECT ON public.feature_flags, public.flag_history TO anon, authenticated, service_role;
GRANT UPDATE ON public.feature_flags TO service_role;
GRANT INSERT ON public.flag_history TO service_role;

-- migration: 20261012090000 row_level_security
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.schema_migrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.user_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.pam_conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.pam_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.expenses ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.support_tickets ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_profile_is_visible ON public.profiles FOR SELECT TO authenticated USING (auth.uid() = id);
CREATE POLICY own_profile_is_editable ON public.profiles FOR UPDATE TO authenticated USING (auth.uid() = id);
CREATE POLICY own_settings ON public.user_settings TO authenticated USING (auth.uid() = user_id);
CREATE POLICY own_conversation ON public.pam_conversations TO authenticated USING (auth.uid() = user_id);
CREATE POLICY own_messages ON public.pam_messages TO authenticated
    USING (EXISTS (SELECT FROM public.pam_conversations c WHERE c.id = conversation_id AND c.user_id = auth.uid()));
CREATE POLICY own_expenses ON public.expenses TO authenticated USING (auth.uid() = user_id);
CREATE POLICY own_tickets_are_visible ON public.support_tickets FOR SELECT TO authenticated USING (auth.uid() = user_id);
CREATE POLICY own_tickets_are_filed ON public.support_tickets FOR INSERT TO authenticated WITH CHECK (auth.uid() = user_id);

GRANT USAGE ON SCHEMA public, auth TO anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON public.profiles, public.user_settings, public.pam_conversations, public.pam_messages, public.expenses, public.support_tickets
    TO anon, authenticated, service_role;
GRANT SELECT ON public.schema_migrations TO anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.users TO service_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO anon, authenticated, service_role;

-- migration: 20261109090000 plan_dialect
-- The rollback plan's SQL expects pam_conversations.response and profiles.settings.  With "search_path = plan, public" it runs
-- word for word: one row per question, with the answer that follows it, and one settings document per profile.
-- security_invoker keeps row level security: a blind role is as blind here.
CREATE SCHEMA plan;
CREATE VIEW plan.pam_conversations WITH (security_invoker = true) AS
SELECT question.id, question.conversation_id, conversation.user_id, conversation.session_id, question.content AS message,
       answer.content AS response, question.created_at
FROM public.pam_messages question
JOIN public.pam_conversations conversation ON conversation.id = question.conversation_id
LEFT JOIN LATERAL (
    SELECT CASE WHEN later.role = 'assistant' THEN later.content END AS content
    FROM public.pam_messages later
    WHERE later.conversation_id = question.conversation_id
      AND later.role <> 'system' AND later.created_at > question.created_at
    ORDER BY later.created_at
    LIMIT 1
) answer ON true
WHERE question.role = 'user';

CREATE VIEW plan.profiles WITH (security_invoker = true) AS
SELECT profile.*,
       (SELECT jsonb_object_agg(setting_name, setting_value) FROM public.user_settings WHERE user_id = profile.id) AS settings
FROM public.profiles profile;

CREATE VIEW plan.expenses WITH (security_invoker = true) AS SELECT * FROM public.expenses;

GRANT USAGE ON SCHEMA plan TO anon, authenticated, service_role;
GRANT SELECT ON plan.pam_conversations, plan.profiles, plan.expenses TO anon, authenticated, service_role;

-- migration: 20261116090000 in_app_notice
-- One row, so that every release and worker shows the same; everybody may read it, also without a sign-in.
CREATE TABLE public.app_notice (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    active     boolean NOT NULL,
    text       text NOT NULL DEFAULT '',
    since      timestamptz,
    updated_by text NOT NULL DEFAULT 'migration',
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_active_notice_says_something CHECK (NOT active OR (text <> '' AND since IS NOT NULL))
);
INSERT INTO public.app_notice (active) VALUES (false);
CREATE TRIGGER touch BEFORE UPDATE ON public.app_notice FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE public.app_notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY notice_is_visible ON public.app_notice FOR SELECT TO anon, authenticated USING (true);
GRANT SELECT ON public.app_notice TO anon, authenticated, service_role;
GRANT UPDATE ON public.app_notice TO service_role;
ALTER TABLE public.flag_history DROP CONSTRAINT flag_history_action_check;
ALTER TABLE public.flag_history ADD CONSTRAINT flag_history_action_check
    CHECK (action IN ('set', 'disable-all-pam', 'cache-clear', 'emergency-rollback', 'notice'));
