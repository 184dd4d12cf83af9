"""Each part of today's product that users need, down, failing and wrong: what health, a decision and a watch say of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from honesty_parts.sabotage import Sabotage, Value

_SITE: Mapping[str, Value] = {"server": "frontend", "path": "/*"}
_ROWS: Mapping[str, Value] = {"server": "supabase", "path": "/rest/*"}
_USERS: Mapping[str, Value] = {"server": "api", "path": "/api/v1/users/*"}
_NOT_ASKED = ("IR-1", "IR-3", "IR-4", "IR-6", "CR-1", "CR-2", "CR-3", "CR-4", "CR-5")
_ASKS: Mapping[str, tuple[str, ...]] = {
    "health": ("-m", "health"),
    "decision": (
        "-m",
        "decision",
        "checks/test_decision.py",
        *(f"--ack={one}=benchmark: not asked" for one in _NOT_ASKED),
    ),
    "watch": ("-m", "watch", "--look-every=2s", "--turn=22s"),
}
_WORLDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "nothing is wrong": ("", {}),
    "the front end is down": ("answers-fail", _SITE),
    "every page is an error": ("error-page-served", {}),
    "the back end is dead": ("release-down", {"how": "killed"}),
    "the back end hangs": ("release-down", {"how": "hung"}),
    "every API call answers 500": ("code-errors", {"share": 1.0}),
    "the back end answers nonsense": ("answers-garbage", _USERS),
    "browsers alone are refused": ("browsers-refused", {"server": "api"}),
    "the rows are down": ("answers-fail", _ROWS),
    "the rows are nonsense": ("answers-garbage", _ROWS),
    "the database is stopped": ("database-down", {}),
}


def rows() -> Iterator[Sabotage]:
    """Each world, asked in each way; where a share fails, one read of health may meet it or not."""
    for name, (fault, parameters) in _WORLDS.items():
        for way, ask in _ASKS.items():
            truth = "well" if not fault else "broken" if way == "health" else "must go back"
            yield Sabotage(f"{way}: {name}", "today's product", truth, ask, fault, parameters, environment="today")
    for share, truth in ((0.4, "must go back"), (0.12, "unknown")):
        yield Sabotage(
            f"decision: {share:.0%} of the back end fail",
            "today's product",
            truth,
            _ASKS["decision"],
            "code-errors",
            {"share": share},
            environment="today",
        )
