"""What a sandbox is like, in parts that can be compared: after a fault was taken away, everything has to be as it was before."""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus

import psycopg

from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from tests.sessions import RunningSandbox

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_temp|^pg_toast_temp'"
_CATALOGUE = {
    "schemas": "SELECT n.nspname, n.nspacl FROM pg_namespace n WHERE OURS",
    "tables": "SELECT c.oid::regclass, c.relkind, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.relowner::regrole "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'S') AND OURS",
    "columns": "SELECT a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl "
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v') AND OURS",
    "constraints": "SELECT conrelid::regclass, conname, pg_get_constraintdef(k.oid), convalidated "
    "FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE OURS",
    "indexes": "SELECT pg_get_indexdef(i.indexrelid), i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE OURS",
    "triggers": "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
    "policies": "SELECT polrelid::regclass, polname, polcmd, polroles, pg_get_expr(polqual, polrelid), "
    "pg_get_expr(polwithcheck, polrelid) FROM pg_policy",
    "functions": "SELECT p.oid::regprocedure, p.prosrc, p.proacl FROM pg_proc p "
    "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE OURS",
    # When it was put up and taken down last, and by whom, is history.
    "notice in the app": "SELECT active, CASE WHEN active THEN text END FROM public.app_notice",
    "roles": "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles",
}
_ROWS = "SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM public.TABLE t WHERE t::text !~ 'pam.rollback'"
"""Without what the suite writes on purpose, as the test account: its probes bear its name."""
_SETTINGS = (
    "SELECT to_jsonb(t) - '{id,created_at,updated_at}'::text[] FROM public.user_settings t WHERE t::text !~ 'rollback'"
)
"""What people chose, whenever they chose it. A journey changes it and puts it back, so it counts beside journeys, too."""
_OF_USERS = ("profiles", "user_settings", "pam_conversations", "pam_messages", "expenses", "support_tickets")
_OF_THE_PRODUCT = ("schema_migrations",)


def fingerprint(range_: RunningSandbox, *, with_users_rows: bool = True) -> dict[str, str]:
    """Each part with a digest of it. Without the users' rows for what writes some: journeys, probes and the ledger."""
    # After an outage of the database the API needs a moment to find it again.
    health = Waiter().until(
        lambda: fetch(f"{range_.state['urls']['api']}/health/db", deadline_s=10),
        holds=lambda answer: answer.http_status == HTTPStatus.OK,
        within_s=20,
        what="a database that the API reaches",
    )
    flags = {name: (flag.enabled, flag.rollout_pct) for name, flag in range_.flags.read_flags().items()}
    identity = range_.remote.identity()
    urls: Mapping[str, str] = range_.state["urls"]
    page = fetch(urls["frontend"], deadline_s=10)
    found: dict[str, object] = {
        "faults": range_.remote.faults(),
        "live release": (identity["live"], identity["commit"]),
        "feature flags": sorted(flags.items()),
        "front page": (page.http_status, page.body.decode()),
        "health of the database": (health.http_status, (health.json or {}).get("status")),
    }
    tables = (*(_OF_USERS if with_users_rows else ()), *_OF_THE_PRODUCT)
    with psycopg.connect(range_.variables["PAM_DATABASE_DSN"]) as connection:
        found |= {
            kind: sorted(map(repr, connection.execute(query.replace("OURS", _OURS).encode())))
            for kind, query in _CATALOGUE.items()
        }
        found["what people chose"] = sorted(map(repr, connection.execute(_SETTINGS)))
        for table in tables:
            found[f"rows of {table}"] = connection.execute(_ROWS.replace("TABLE", table).encode()).fetchone()
    return {
        part: hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:12] for part, what in found.items()
    }


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The parts that are not as they were."""
    return sorted(part for part in before.keys() | after.keys() if before.get(part) != after.get(part))
