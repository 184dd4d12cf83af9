"""What PAM says: a small, deterministic assistant for travel and money.  Pure: the same facts and message give the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_SHOWN_CHARACTERS = 60
_SURE, _UNSURE = 0.93, 0.41


@dataclass(frozen=True, slots=True)
class Facts:
    """What PAM knows of the person who asks; money in the person's currency, of the current month."""

    first_name: str
    month_total: Decimal
    month_count: int
    top_category: str | None
    monthly_budget: Decimal | None
    currency: str

    def money(self, amount: Decimal) -> str:
        """Write an amount as the person reads it."""
        return f"{_SYMBOLS.get(self.currency, self.currency + ' ')}{amount:,.2f}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and how PAM understood the question; `confidence` is 0 to 1."""

    text: str
    intent: str | None
    """None: it was not understood, nor even looked at."""
    confidence: float


CRASH = Reply(
    'Traceback (most recent call last):\n  File "/app/pam/answer.py", line 88, in answer\nopenai.RateLimitError: 429 quota exceeded',
    "other",
    0.9,
)
APOLOGY = Reply("I'm sorry, I'm having trouble answering right now. Please try again in a moment.", None, 0.0)


_TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (  # the first topic with a word in the message wins
    ("budget", ("budget", "spend", "spent", "cost", "expense", "money", "afford", "save", "month", "price")),
    ("campground", ("campground", "campsite", "camping", "pitch", "overnight", "tonight", "stay")),
    ("route", ("route", "drive", "toll", "trip", "weekend", "plan", "sea", "mountain", "coast")),
    ("fuel", ("fuel", "diesel", "petrol", "gas", "charging")),
    ("weather", ("weather", "rain", "sunny", "forecast", "wind")),
    ("reminder", ("remind", "reminder", "calendar", "appointment")),
    ("greeting", ("hello", "hi", "hey", "good morning", "thank")),
)
_SENTENCES = {
    "campground": "For tonight I would look within 40 km: two quiet campgrounds have free pitches, the nearer one with hook-up.",
    "route": "I would take the valley road: no tolls, 35 minutes longer, and a good stop for lunch halfway.",
    "fuel": "Fuel is cheapest on the ring road before you turn off; filling up there saves about six cents a litre.",
    "weather": "It stays dry until the evening, with a light wind from the west.",
    "reminder": "I put it on your calendar for tomorrow at nine.",
    "greeting": "good to see you. Ask me about routes, campgrounds or your travel budget.",
}


class ModelUnavailableError(RuntimeError):
    """Whoever thinks of the answers does not answer."""


def reply_to(message: str, facts: Facts) -> Reply:
    """Answer the message; every answer names the person's month total, which only the database knows."""
    intent = _topic(message)
    if intent == "budget":
        text = f"{facts.first_name}, {_month(facts)} {_left(facts)}".strip()
    elif intent == "other":
        shown = " ".join(message.split())
        quoted = shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS].rstrip()}…"
        text = f"I noted “{quoted}”. I know most about trips and money: {_month(facts)}"
    else:
        sentence = _SENTENCES[intent]
        text = f"{facts.first_name}, {sentence[0].lower()}{sentence[1:]} By the way, {_month(facts)}"
    return Reply(text=text, intent=intent, confidence=_UNSURE if intent == "other" else _SURE)


def _topic(message: str) -> str:
    words = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in message.casefold()).split())} "
    # A word may go on ("costs", "routes"), but it has to begin where a word begins: "hi" is not in "this".
    for topic, keys in _TOPICS:
        if any(f" {key} " in words or (len(key) > 2 and f" {key}" in words) for key in keys):  # noqa: PLR2004
            return topic
    return "other"


def _month(facts: Facts) -> str:
    if facts.month_count == 0:
        return f"you have spent {facts.money(Decimal(0))} this month."
    expenses = "expense" if facts.month_count == 1 else "expenses"
    most = f", most of it for {facts.top_category}" if facts.top_category else ""
    return f"you have spent {facts.money(facts.month_total)} this month in {facts.month_count} {expenses}{most}."


def _left(facts: Facts) -> str:
    if facts.monthly_budget is None:
        return ""
    left = facts.monthly_budget - facts.month_total
    if left < 0:
        return f"That is {facts.money(-left)} over your budget of {facts.money(facts.monthly_budget)}."
    return f"That leaves {facts.money(left)} of your budget of {facts.money(facts.monthly_budget)}."
