"""What turns the detectors of security holes and of features that fail for some users red."""

from tests.fault_rows.decision_row import EXPOSURE, HOLDS, NOT_KNOWN, NOW, THINK, UNKNOWN, DecisionRow

ACCESS = "test_nobody_gets_in_without_a_right_token"
SEPARATION = "test_nobody_sees_what_belongs_to_others"
USERS = "test_core_features_work_for_most_users"
OWN = "test_no_answer_belongs_to_another_account"
_ALL = frozenset({ACCESS, SEPARATION, USERS, OWN})


def _bypass(accepts: str, words: str) -> DecisionRow:
    return DecisionRow(
        f"sign-in-bypassed-{accepts}",
        "auth-bypass",
        frozenset({ACCESS}),
        words,
        {"accepts": accepts},
        select="decision",
        files=EXPOSURE,
        states={"IR-1": HOLDS},
        verdict=NOW,
        strategy="ST-4",
    )


def _exposed(what: str, words: str) -> DecisionRow:
    return DecisionRow(
        f"others-{what}-shown",
        "cross-user-read",
        frozenset({SEPARATION}),
        words,
        {"what": what},
        select="decision",
        files=EXPOSURE,
        states={"IR-1": HOLDS},
        verdict=NOW,
        strategy="ST-4",
    )


def _fails(what: str, percent: float, words: str) -> DecisionRow:
    return DecisionRow(
        f"{what}-fails-for-{percent:g}-percent",
        "feature-fails-for-some",
        frozenset({USERS}),
        words,
        {"what": what, "percent": percent},
        select="decision",
        files=EXPOSURE,
        states={"CR-1": HOLDS},
        verdict=THINK,
        strategy="ST-1",
    )


ROWS = [
    _bypass("missing", "GET /api/v1/profile with no token: HTTP 200"),
    _bypass("wrong", "GET /api/v1/profile with a made-up token: HTTP 200"),
    _bypass("unverified", "GET /api/v1/profile with an unsigned token: HTTP 200"),
    _bypass("expired", "GET /api/v1/profile with an expired token: HTTP 200"),
    _bypass("any-password", "POST /api/v1/auth/login with a wrong password: HTTP 200"),
    _bypass("users-as-admins", "GET /admin/feature-flags with an ordinary user's token: HTTP 200"),
    _exposed("expenses", "by GET /api/v1/expenses?limit=200"),
    _exposed("messages", "by GET /api/v1/pam/history?limit=200"),
    _exposed("settings", "setting pam_rollback_probe by GET /api/v1/settings"),
    _exposed("user-id", "by GET /api/v1/expenses?user_id="),
    DecisionRow(
        "others-profile-shown",
        "cross-user-read",
        frozenset({OWN, SEPARATION}),
        "answers belong to another account",
        {"what": "profile"},
        select="decision",
        files=EXPOSURE,
        states={"IR-1": HOLDS},
        verdict=NOW,
        strategy="ST-4",
    ),
    DecisionRow(
        "chat-answers-anothers-words",
        "chat-answers-anothers-words",
        frozenset({SEPARATION}),
        "asked PAM by POST /api/v1/pam/chat",
        select="decision",
        files=EXPOSURE,
        states={"IR-1": HOLDS},
        verdict=NOW,
        strategy="ST-4",
    ),
    _fails("chat", 30, "chat fails for"),
    _fails("expenses", 30, "expenses fails for"),
    DecisionRow(
        "chat-fails-near-the-limit",
        "feature-fails-for-some",
        frozenset(),
        "too near to the limit of 25 % for this sample to tell",
        {"percent": 25},
        select="decision",
        files=EXPOSURE,
        states={"CR-1": UNKNOWN},
        verdict=NOT_KNOWN,
        unknown=frozenset({USERS}),
    ),
    DecisionRow(
        "protected-path-is-a-page",
        "answers-html",
        frozenset(),
        "GET /api/v1/profile does not open for its own token",
        {"server": "api", "path": "/api/v1/profile"},
        select="decision",
        files=EXPOSURE,
        states={"IR-1": UNKNOWN},
        verdict=NOT_KNOWN,
        unknown=frozenset({ACCESS, SEPARATION, OWN}),
    ),
    DecisionRow(
        "feature-check-is-a-page",
        "answers-html",
        frozenset(),
        "for how many users a core feature fails is not known: found HTTP 200 text/html",
        {"server": "api", "path": "/admin/feature-check"},
        select="decision",
        files=EXPOSURE,
        states={"CR-1": UNKNOWN},
        verdict=NOT_KNOWN,
        unknown=frozenset({USERS}),
    ),
    DecisionRow(
        "nobody-can-sign-in-to-look",
        "database-down",
        frozenset(),
        "the test account could not sign in",
        select="decision",
        files=EXPOSURE,
        states={"IR-1": UNKNOWN, "CR-1": UNKNOWN},
        verdict=NOT_KNOWN,
        unknown=_ALL,
    ),
]
