"""A product database of benchmark size: 10 million exchanges with PAM (two messages each), 10 million expenses, 1 million travellers.

The tables are the product's own (the sandbox's schema); the rows are made by the server itself, then the indexes and constraints come
back as the schema has them.
"""

import sys
import time

import psycopg

_ROWS = """
INSERT INTO auth.users (id, email, encrypted_password, created_at, updated_at)
SELECT md5('u' || n)::uuid, 'traveller' || n || '@example.net', '-', now() - interval '400 days', now() - interval '400 days'
FROM generate_series(1, {users}) n;
INSERT INTO public.profiles (id, email, full_name, created_at, updated_at)
SELECT id, email, 'Traveller', created_at, updated_at FROM auth.users ON CONFLICT DO NOTHING;
INSERT INTO public.user_settings (user_id, setting_name, setting_value, created_at, updated_at)
SELECT id, setting.name, setting.value, u.created_at, u.updated_at
FROM auth.users u, (VALUES ('currency', '"EUR"'::jsonb), ('theme', '"dark"'::jsonb)) setting(name, value)
ON CONFLICT DO NOTHING;
INSERT INTO public.pam_conversations (id, user_id, session_id, title, created_at, updated_at)
SELECT md5('c' || n)::uuid, md5('u' || n)::uuid, 'session-' || n, 'Talk with PAM', now() - interval '300 days', now() - interval '1 day'
FROM generate_series(1, {users}) n;
INSERT INTO public.pam_messages (id, conversation_id, role, content, intent, confidence, created_at)
SELECT gen_random_uuid(), md5('c' || (n % {users} + 1))::uuid, part.role, part.text || n, part.intent, part.confidence,
       now() - interval '300 days' + n * interval '1 second' + part.later
FROM generate_series(1, {exchanges}) n,
     (VALUES ('user', 'How far is it to stop ', NULL, NULL, interval '0'),
             ('assistant', 'About as far as yesterday, then left at number ', 'route', 0.93, interval '2 seconds'))
     part(role, text, intent, confidence, later);
INSERT INTO public.expenses (user_id, amount, category, date, description, created_at, updated_at)
SELECT md5('u' || (n % {users} + 1))::uuid, (n % 50000) / 100.0 + 1, (ARRAY['fuel', 'food', 'camping', 'repairs'])[n % 4 + 1],
       current_date - (n % 300)::int, 'stop ' || n, now() - interval '300 days' + n * interval '1 second',
       now() - interval '300 days' + n * interval '1 second'
FROM generate_series(1, {expenses}) n;
"""
# The plan's own shape of the same rows, for its own queries: as tables, since it knows no views.
_PLAN_TABLES = """
CREATE SCHEMA plan_tables;
CREATE TABLE plan_tables.pam_conversations AS
SELECT question.id, question.content AS message, answer.content AS response, question.created_at
FROM public.pam_messages question
JOIN public.pam_messages answer
  ON answer.conversation_id = question.conversation_id AND answer.role = 'assistant'
 AND answer.created_at = question.created_at + interval '2 seconds'
WHERE question.role = 'user';
CREATE TABLE plan_tables.profiles AS
SELECT profile.id, profile.email, profile.created_at, setting.settings
FROM public.profiles profile
JOIN (SELECT user_id, jsonb_object_agg(setting_name, setting_value) AS settings FROM public.user_settings GROUP BY user_id) setting
  ON setting.user_id = profile.id;
CREATE TABLE plan_tables.expenses AS SELECT id, user_id, amount, category, created_at FROM public.expenses;
"""
# What a bulk load is quicker without; put back word for word.
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relname IN ('pam_messages', 'expenses')
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid IN ('public.pam_messages'::regclass, 'public.expenses'::regclass) AND contype IN ('p', 'f', 'u')
ORDER BY contype = 'f'
"""


def fill(dsn: str, *, scale: float) -> None:
    """Add the rows to a database that has the product's tables. ``scale`` 1 is the full size."""
    sizes = {
        "users": max(int(1_000_000 * scale), 100),
        "exchanges": max(int(10_000_000 * scale), 1000),
        "expenses": max(int(10_000_000 * scale), 1000),
    }
    started_s = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as connection:
        indexes = connection.execute(_INDEXES).fetchall()
        constraints = connection.execute(_CONSTRAINTS).fetchall()
        for table, name, _ in reversed(constraints):
            connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
        for statement in _ROWS.format(**sizes).split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
        connection.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in indexes:
            connection.execute(definition.encode())
        for table, name, definition in constraints:
            connection.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'.encode())
        connection.execute(_PLAN_TABLES.encode())
        connection.execute("VACUUM (ANALYZE)")
    sys.stdout.write(f"{', '.join(f'{number:,} {name}' for name, number in sizes.items())}: made in ")
    sys.stdout.write(f"{time.monotonic() - started_s:.0f} s\n")
