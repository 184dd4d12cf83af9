"""Invented travellers with a realistic quarter behind them: the rows that a rollback must not lose.

Everything follows from one random seed and the given moment, so that two sandboxes hold the same data.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg

TEST_ACCOUNT_EMAIL = "test.traveller@example.org"
"""The account that journeys sign in with."""
OTHER_ACCOUNT_EMAIL = "second.traveller@example.org"
"""A second account that can sign in, to prove that one user cannot reach what belongs to another."""

UNUSABLE = "!"
"""Stands where a hash would stand; no password matches it."""
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


def sow(
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
