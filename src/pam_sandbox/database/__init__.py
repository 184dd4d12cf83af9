"""The product's database: its tables as the migrations make them, row level security, and invented travellers.

Two dialects over the same rows.  *product*: schema `public`, as the real migrations have it (settings live in `user_settings`,
answers are `pam_messages` of the role assistant).  *plan*: schema `plan`, views that offer the columns which the rollback plan's own
SQL expects (`pam_conversations.response`, `profiles.settings`); connect with `options=-c search_path=plan,public` and that SQL runs
word for word.  Views and not copies, so that what is lost in one dialect is lost in the other.

Today's product shares tables and policies with the plan's, has its settings in the wide form, and neither flags nor the plan's views.

Roles: `anon` and `authenticated` see what their policies let them see (nearly nothing), `service_role` bypasses row level security and
is what the product works as.  None of them can log in; use `options=-c role=anon`.

The travellers have a realistic quarter behind them: the rows that a rollback must not lose. Everything follows from one random seed and the
given moment, so that two sandboxes hold the same data.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from psycopg import sql

from pam_sandbox.personalities import PAM_PLAN, Personality

TEST_ACCOUNT_EMAIL = "test.traveller@example.org"
"""The account that journeys sign in with."""
OTHER_ACCOUNT_EMAIL = "second.traveller@example.org"
"""A second account that can sign in, to prove that one user cannot reach what belongs to another."""

UNUSABLE = "!"
"""Stands where a hash would stand; no password matches it."""
# 4 MiB and some 10 ms: these accounts hold invented data, and a load test signs in thousands of times.
_COST = 2**12
_BLOCK_SIZE = 8
_SALT_BYTES = 16
_SCHEME = "scrypt"


def hash_password(password: str) -> str:
    """Give the salted hash to store for `password`."""
    salt = os.urandom(_SALT_BYTES)
    return f"{_SCHEME}${salt.hex()}${_digest(password, salt).hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Tell whether `password` belongs to the `stored` hash; takes as long when the account cannot sign in at all."""
    scheme, _, rest = stored.partition("$")
    salt_hex, _, digest_hex = rest.partition("$")
    usable = scheme == _SCHEME
    digest = _digest(password, bytes.fromhex(salt_hex) if usable else bytes(_SALT_BYTES))
    return hmac.compare_digest(digest.hex(), digest_hex) and usable


def _digest(password: str, salt: bytes) -> bytes:
    secret = password.encode(errors="surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=_COST, r=_BLOCK_SIZE, p=1)


AUDITOR = "pam_auditor"
"""The role that the checks sign in as: it sees every row of the product and can change none.

Its own role and not the product's, because a check that is able to write will one day, and because a role that is blinded by row
level security is a damage of its own.
"""
PLAN_SEARCH_PATH = "plan,public"
"""With it the rollback plan's own SQL finds the columns that it expects."""

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'plan', 'supabase_migrations') ORDER BY 1"
"""Those whose tables the checks read; a product has two of them."""
_GRANTS = (
    "GRANT USAGE ON SCHEMA auth, {schemas} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO {role}",
    # The last value of a sequence is a null to whoever may not read the sequence.
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    # Who exists, and nothing of how they sign in.
    "GRANT SELECT (id, email, created_at) ON auth.users TO {role}",
    "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "ALTER ROLE {role} SET default_transaction_read_only = on",
)


def create_auditor(dsn: str, *, role: str, password: str) -> None:
    """Make the role for the finished database of `dsn`, whose account owns the tables.

    Raises psycopg.Error; that account needs the right to create roles that bypass row level security.
    """
    with psycopg.connect(dsn) as connection:
        schemas = [sql.Identifier(str(name)) for (name,) in connection.execute(_SCHEMAS).fetchall()]
        names = {
            "role": sql.Identifier(role),
            "database": sql.Identifier(connection.info.dbname),
            "schemas": sql.SQL(", ").join(schemas),
        }
        connection.execute(
            sql.SQL("CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD {password}").format(
                password=sql.Literal(password), **names
            )
        )
        for grant in _GRANTS:
            connection.execute(sql.SQL(grant).format(**names))


def dsn_of(role: str, password: str, *, like: str) -> str:
    """The address `like`, signed in to as `role`."""
    parts = urlsplit(like)
    account = f"{quote(role, safe='')}:{quote(password, safe='')}"
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"user", "password"}]
    return _joined(parts._replace(netloc=f"{account}@{parts.netloc.rpartition('@')[2]}").geturl(), kept)


def in_plan_dialect(dsn: str) -> str:
    """The address `dsn`, with the plan's own tables found first."""
    options = dict(parse_qsl(urlsplit(dsn).query))
    own = options.pop("options", "")
    return _joined(dsn, [*options.items(), ("options", f"{own} -c search_path={PLAN_SEARCH_PATH}".strip())])


def _joined(dsn: str, query: list[tuple[str, str]]) -> str:
    # libpq decodes %20, and takes a plus sign for a plus sign.
    return urlunsplit(urlsplit(dsn)._replace(query=urlencode(query, quote_via=quote)))


_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `checksum` is the SHA-256 of its text."""

    version: str
    name: str
    sql: str
    checksum: str


def migrations(product: Personality = PAM_PLAN) -> list[Migration]:
    """Give the steps of the product's schema in the order in which they are applied."""
    first, *own = map(_steps, product.schema)
    shared = [step for step in first if not product.shares or step.name in product.shares]
    return [*shared, *(step for steps in own for step in steps)]


def _steps(file: str) -> list[Migration]:
    text = (_FOLDER / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- migration: (\d+) (\w[\w ]*)$", text, flags=re.MULTILINE)
    return [
        Migration(version=version, name=name, sql=sql, checksum=hashlib.sha256(sql.encode()).hexdigest())
        for version, name, sql in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]


def create(
    dsn: str, *, password: str | None = None, now: datetime | None = None, product: Personality = PAM_PLAN
) -> None:
    """Make the tables in the existing, empty database `dsn` names, and fill them.

    `password` is for the two accounts that can sign in; without it they cannot until `set_password` is called. `now` is the moment
    the invented history ends at. All of it or nothing is done. Raises psycopg.Error; the account of the DSN
    needs the right to create roles that bypass row level security.
    """
    with psycopg.connect(dsn) as connection:
        make_tables(connection, product)
        _sow(
            connection,
            password_hash=_hash(password),
            now=now or datetime.now(UTC),
            has_wide_settings=product.has_wide_settings,
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Without statistics the first queries of a drill would be planned for empty tables.
        connection.execute("ANALYZE")


def make_tables(connection: psycopg.Connection, product: Personality = PAM_PLAN) -> None:
    """Apply every step of the schema to an empty database, and note each of them. Raises psycopg.Error."""
    steps = migrations(product)
    for step in steps:
        connection.execute(step.sql.encode())
    # Where a list of them is, and what it holds, is the last step's to say.
    noted = connection.execute("SELECT to_regclass('supabase_migrations.schema_migrations') IS NULL").fetchone()
    for step in steps:
        if noted == (True,):
            connection.execute(
                "INSERT INTO public.schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
                (step.version, step.name, step.checksum),
            )
        else:
            connection.execute(
                "INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES (%s, %s, %s)",
                (step.version, step.name, [step.sql]),
            )


def set_password(dsn: str, password: str) -> None:
    """Give the accounts that can sign in a password of this sandbox (milliseconds; works on a copy of a prepared database)."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE auth.users SET encrypted_password = %s WHERE email = ANY(%s)",
            (_hash(password), [TEST_ACCOUNT_EMAIL, OTHER_ACCOUNT_EMAIL]),
        )


def _hash(password: str | None) -> str:
    return UNUSABLE if password is None else hash_password(password)


_SEED = 20261124
_TRAVELLERS = 400
_DAYS = 90
_EXPENSES_PER_TRAVELLER = 9
_TALKATIVE_SHARE = 0.85
_TICKETS_PER_DAY = 2.2
_TICKET_OPEN_DAYS = 4

_FIRST_NAMES = (
    *("Ada", "Ben", "Carla", "Dario", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Luca", "Mira"),
    *("Noah", "Olga", "Pavel", "Quinn", "Rosa", "Sami", "Tilda", "Umar", "Vera", "Wim", "Xenia", "Yuki", "Zoe"),
)
_LAST_NAMES = (
    *("Abbott", "Berger", "Costa", "Dahl", "Evans", "Fischer", "Grant", "Huber", "Ivers", "Jansen", "Keller"),
    *("Lindt", "Moreau", "Novak", "Olsen", "Perez", "Quist", "Rossi", "Silva", "Turner", "Ueda"),
)
_CATEGORIES = {  # name: (smallest, biggest, descriptions); amounts in the account's currency
    "fuel": (35, 140, ("Diesel, full tank", "Petrol on the motorway", "Top-up before the pass")),
    "campground": (18, 75, ("Two nights by the lake", "National park pitch", "Site with hook-up")),
    "groceries": (6, 120, ("Weekly shop", "Farm stand", "Bread and milk")),
    "dining": (9, 90, ("Lunch on the road", "Fish at the harbour", "Coffee stop")),
    "maintenance": (20, 480, ("Oil change", "New wiper blades", "Tyre repair")),
    "tolls": (2, 45, ("Bridge toll", "Motorway sticker", "Tunnel")),
    "leisure": (5, 110, ("Museum", "Kayak for a day", "Cable car")),
}
_TALK = (  # (question, answer, intent)
    ("How much did I spend this month?", "You are at {amount} this month, most of it for {category}.", "budget"),
    (
        "Find me a quiet campground near the coast",
        "Three quiet places lie within 40 km; the first has free pitches.",
        "campground",
    ),
    ("Plan a route with few tolls", "The valley road avoids all tolls and takes 35 minutes longer.", "route"),
    ("What will the weather be on Saturday?", "Saturday stays dry until the evening, around 17 degrees.", "weather"),
    ("Can I afford a week in the mountains?", "With {amount} left for travel a week in the mountains fits.", "budget"),
    ("Remind me to check the tyres", "I put the tyre check on your calendar for tomorrow.", "reminder"),
    ("Which {category} costs were the highest?", "Your highest {category} cost was {amount}.", "budget"),
)
_TICKETS = (
    ("Receipt will not upload", "The photo of my receipt stays at 0 percent."),
    ("Change of e-mail address", "I would like to sign in with another address."),
    ("Question about budgets", "Can a budget run from the 15th to the 14th?"),
    ("Map does not follow me", "The position on the map is some minutes behind."),
    ("Thank you", "PAM found us a lovely place last week."),
)
_WIDE = (
    *("display_preferences", "integration_preferences", "location_preferences", "notification_preferences"),
    *("pam_preferences", "privacy_preferences", "regional_preferences"),
)
_VEHICLES = ("motorhome", "camper van", "caravan", "car and tent")


@dataclass(frozen=True, slots=True)
class Traveller:
    """One invented person; `joined` lies before everything else that happens to them."""

    user_id: UUID
    email: str
    full_name: str
    joined: datetime


def account_id(email: str) -> UUID:
    """The id of an account that can sign in."""
    return uuid5(NAMESPACE_URL, email)


def _sow(
    connection: psycopg.Connection[Any], *, password_hash: str, now: datetime, has_wide_settings: bool = False
) -> None:
    """Fill the empty tables; `password_hash` is for the two accounts that can sign in, the others never can."""
    chance = random.Random(_SEED)  # noqa: S311 - invented data has to be the same every time
    travellers = list(_travellers(chance, now))
    sign_in = {TEST_ACCOUNT_EMAIL, OTHER_ACCOUNT_EMAIL}
    with connection.cursor() as cursor:
        users = ((t.user_id, t.email, password_hash if t.email in sign_in else UNUSABLE, t.joined) for t in travellers)
        _copy(cursor, "auth.users (id, email, encrypted_password, created_at)", users)
        profiles = ((t.user_id, t.email, t.full_name, _preferences(chance), t.joined) for t in travellers)
        _copy(cursor, "public.profiles (id, email, full_name, preferences, created_at)", profiles)
        settings = [(t, _settings(chance)) for t in travellers]
        if has_wide_settings:
            wide = (_wide(t, values) for t, values in settings)
            _copy(cursor, f"public.user_settings (user_id, created_at, {', '.join(_WIDE)})", wide)
        else:
            each = (
                (t.user_id, name, json.dumps(value), t.joined) for t, all_ in settings for name, value in all_.items()
            )
            _copy(cursor, "public.user_settings (user_id, setting_name, setting_value, created_at)", each)
        expenses = (row for t in travellers for row in _expenses(chance, t, now))
        _copy(cursor, "public.expenses (user_id, amount, category, date, description, created_at)", expenses)
        talks = [_talk(chance, t, now) for t in travellers if t.email in sign_in or chance.random() < _TALKATIVE_SHARE]
        conversations, messages = (talk for talk, _ in talks), (message for _, said in talks for message in said)
        _copy(cursor, "public.pam_conversations (id, user_id, session_id, title, created_at)", conversations)
        columns = "id, conversation_id, role, content, intent, confidence, created_at"
        _copy(cursor, f"public.pam_messages ({columns})", messages)
        tickets = _tickets(chance, travellers, now)
        _copy(cursor, "public.support_tickets (id, user_id, subject, message, status, created_at)", tickets)


def _copy(cursor: psycopg.Cursor[Any], target: str, rows: Iterator[Sequence[object]]) -> None:
    with cursor.copy(f"COPY {target} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _travellers(chance: random.Random, now: datetime) -> Iterator[Traveller]:
    long_ago = now - timedelta(days=_DAYS + 1)
    yield Traveller(account_id(TEST_ACCOUNT_EMAIL), TEST_ACCOUNT_EMAIL, "Test Traveller", long_ago)
    yield Traveller(account_id(OTHER_ACCOUNT_EMAIL), OTHER_ACCOUNT_EMAIL, "Second Traveller", long_ago)
    for number in range(_TRAVELLERS):
        first, last = chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES)
        yield Traveller(
            user_id=_uuid(chance),
            email=f"{first}.{last}.{number}@example.net".lower(),
            full_name=f"{first} {last}",
            joined=now - timedelta(days=_DAYS + chance.uniform(1, 400)),
        )


def _preferences(chance: random.Random) -> str:
    return json.dumps({"vehicle": chance.choice(_VEHICLES)})


def _settings(chance: random.Random) -> dict[str, object]:
    return {
        "currency": chance.choice(("EUR", "USD", "GBP")),
        "monthly_budget": chance.randrange(600, 2600, 50),
        "theme": chance.choice(("light", "dark", "system")),
        "notifications": {"email": chance.random() < 0.7, "push": chance.random() < 0.4},  # noqa: PLR2004 - shares of an invented population
    }


def _wide(traveller: Traveller, values: Mapping[str, object]) -> Sequence[object]:
    """The same settings as one row; those of the product that nobody here has chosen are as it sets them."""
    by_column: dict[str, Mapping[str, object]] = {
        "display_preferences": {"theme": values["theme"]},
        "integration_preferences": {"calendar_sync": False},
        "location_preferences": {"share_location": False},
        "notification_preferences": {"channels": values["notifications"]},
        "pam_preferences": {"voice": True, "response_style": "balanced"},
        "privacy_preferences": {"profile_visibility": "private"},
        "regional_preferences": {"currency": values["currency"], "monthly_budget": values["monthly_budget"]},
    }
    return traveller.user_id, traveller.joined, *(json.dumps(by_column[column]) for column in _WIDE)


def _expenses(chance: random.Random, traveller: Traveller, now: datetime) -> Iterator[Sequence[object]]:
    moments = [now - timedelta(minutes=1, days=chance.uniform(0, _DAYS)) for _ in range(_EXPENSES_PER_TRAVELLER)]
    if traveller.email == TEST_ACCOUNT_EMAIL:
        # The page of the test account has something to show on the first day of a month, too.
        moments += [now - timedelta(minutes=2), now - timedelta(minutes=3)]
    for moment in sorted(moments):
        category = chance.choice(tuple(_CATEGORIES))
        low, high, descriptions = _CATEGORIES[category]
        amount = f"{chance.uniform(low, high):.2f}"
        yield traveller.user_id, amount, category, moment.date(), chance.choice(descriptions), moment


def _talk(
    chance: random.Random, traveller: Traveller, now: datetime
) -> tuple[Sequence[object], list[Sequence[object]]]:
    conversation_id = _uuid(chance)
    moments = sorted(now - timedelta(minutes=1, days=chance.uniform(0, _DAYS)) for _ in range(chance.randint(2, 10)))
    if chance.random() < 0.1:  # noqa: PLR2004 - one in ten has just been here, so that "the last hour" is never empty
        moments.append(now - timedelta(seconds=chance.uniform(30, 3000)))
    messages: list[Sequence[object]] = []
    for moment in sorted(moments):
        question, answer, intent = chance.choice(_TALK)
        words = {"category": chance.choice(tuple(_CATEGORIES)), "amount": f"{chance.uniform(80, 1900):.2f}"}
        confidence = f"{chance.uniform(0.7, 0.99):.2f}"
        answered = moment + timedelta(seconds=chance.uniform(0.4, 4))
        messages.append((_uuid(chance), conversation_id, "user", question.format(**words), None, None, moment))
        messages.append(
            (_uuid(chance), conversation_id, "assistant", answer.format(**words), intent, confidence, answered)
        )
    session_id = f"session-{chance.getrandbits(40):010x}"
    return (conversation_id, traveller.user_id, session_id, "Talk with PAM", moments[0]), messages


def _tickets(chance: random.Random, travellers: Sequence[Traveller], now: datetime) -> Iterator[Sequence[object]]:
    age_days = 0.0
    while (age_days := age_days + chance.expovariate(_TICKETS_PER_DAY)) < _DAYS:
        subject, message = chance.choice(_TICKETS)
        status = "open" if age_days < chance.uniform(0, _TICKET_OPEN_DAYS) else "closed"
        opened = now - timedelta(days=age_days)
        yield _uuid(chance), chance.choice(travellers).user_id, subject, message, status, opened


def _uuid(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)
