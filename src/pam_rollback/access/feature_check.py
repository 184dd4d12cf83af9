"""The product's own trial of its core features for many users (``[paths]`` ``feature_check``), and the real features as one of them.

Contract, JSON under the admin token: ``{"sample": 400}`` gives ``{"users": how many there are, "user_ids": [drawn by lot]}``;
``{"user_ids": [up to 100]}`` gives ``{"results": [{"user_id": …, "features": {"chat": {"works": true}, …}}]}``. A feature runs as it would
for that user, up to where it would store something. Ids are all that is shown of users.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeGuard

from pam_rollback.access.affected_users import CORE_FEATURES, TRIES
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import fetch
from pam_rollback.target.chat_answer import Intent, failure_beside, shortcoming
from pam_rollback.target.pam_api import Account

_AT_ONCE = 50
_QUESTION = "How much did I spend this month?"

Found = dict[str, dict[str, bool]]
"""By user and feature, whether it worked."""


@dataclass(frozen=True)
class FeatureCheckApi:
    """Asks the product. Everything that is no answer of the form above raises MeasurementFailed."""

    url: str
    token: str = field(repr=False)
    deadline_s: float = 5.0

    def drawn(self, number: int) -> tuple[int, tuple[str, ...]]:
        """How many users there are, and so many of them by lot, each once."""
        body = self._answered({"sample": number})
        users, ids = body.get("users"), body.get("user_ids")
        if isinstance(users, bool) or not isinstance(users, int) or not _are_ids(ids):
            raise MeasurementFailed(f"POST {self.url}: expected users and user_ids, each id once, found something else")
        return users, tuple(ids)

    def tried(self, user_ids: Sequence[str]) -> Found:
        """Which features work for each of these users."""
        found: Found = {}
        for start in range(0, len(user_ids), _AT_ONCE):
            asked = list(user_ids[start : start + _AT_ONCE])
            results = self._answered({"user_ids": asked}).get("results")
            told = {user: features for user, features in _read(results) if user in asked}
            missing = [user for user in asked if user not in told]
            if missing:
                raise MeasurementFailed(
                    f"POST {self.url}: no result for {len(missing)} of {len(asked)} users, first {missing[0]}; "
                    "expected results with user_id and features"
                )
            found.update(told)
        return found

    def tries(self, user_ids: Sequence[str]) -> list[Found]:
        """Try the features for all, and again for those for whom one did not work."""
        tries = [self.tried(user_ids)]
        for _ in range(TRIES - 1):
            failing = [user for user, features in tries[-1].items() if not all(features.values())]
            if not failing:
                break
            tries.append(self.tried(failing))
        return tries

    def _answered(self, question: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = fetch(self.url, method="POST", json=question, headers=headers, deadline_s=self.deadline_s)
        body = answer.json
        if answer.http_status != HTTPStatus.OK or not isinstance(body, dict):
            # Not shown whole: it may name users.
            found = answer.problem or f"HTTP {answer.http_status} {answer.content_type or 'without content type'}"
            raise MeasurementFailed(
                f"POST {self.url}: for how many users a core feature fails is not known: found {found}"
            )
        return body


@dataclass(frozen=True)
class RealFeatures:
    """The features as the test account itself gets them."""

    chat_url: str
    expenses_url: str
    account: Account
    deadline_s: float = 5.0
    intent: Intent = "named"
    """What a good answer of PAM has: ``[chat] intent``."""

    def work(self) -> dict[str, bool]:
        """Which of them work in one of several tries; asking PAM leaves a message in the account's history."""
        return {feature: any(self._works(feature) for _ in range(TRIES)) for feature in CORE_FEATURES}

    def _works(self, feature: str) -> bool:
        asked: dict[str, tuple[str, str, Mapping[str, Any] | None]] = {
            "chat": ("POST", self.chat_url, {"message": _QUESTION}),
            "expenses": ("GET", f"{self.expenses_url}?limit=1", None),
        }
        method, url, json = asked[feature]
        answer = fetch(url, method=method, json=json, headers=self.account.headers, deadline_s=self.deadline_s)
        return _is_content(feature, answer, self.intent)


def _is_content(feature: str, answer: Answer, intent: Intent) -> bool:
    body = answer.json
    if answer.http_status != HTTPStatus.OK or not isinstance(body, dict):
        return False
    if feature == "chat":
        return not shortcoming(body, intent)
    return isinstance(body.get("expenses"), list) and not failure_beside(body)


def _read(results: object) -> Iterable[tuple[str, dict[str, bool]]]:
    for result in results if isinstance(results, list) else ():
        if isinstance(result, dict) and isinstance(result.get("user_id"), str):
            features = result.get("features")
            told = features.items() if isinstance(features, dict) else ()
            # A word that is no boolean is not "works": it is left out, and whoever asks for that feature learns that nothing is known.
            yield (
                result["user_id"],
                {
                    name: state["works"]
                    for name, state in told
                    if isinstance(state, dict) and isinstance(state.get("works"), bool)
                },
            )


def _are_ids(value: object) -> TypeGuard[list[str]]:
    """Texts, each once: a user who is counted twice would count twice."""
    return (
        isinstance(value, list) and all(isinstance(one, str) and one for one in value) and len(set(value)) == len(value)
    )
