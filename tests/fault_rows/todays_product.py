"""The ways in which today's product was seen to be broken and look healthy, on the sandbox of it."""

from tests.fault_rows.decision_security import ACCESS, SEPARATION
from tests.fault_rows.health import BACKEND, DATABASE, FRONT_PAGE, READS
from tests.fault_rows.integrity import CONTENTS, LOST, OPENED, WEAKER
from tests.fault_rows.journeys import ANSWERS, PHONE, PUBLISHED, SESSION
from tests.fault_rows.row import Row
from tests.fault_rows.windows import PEOPLE, WRITES

TODAY = "pam-today"
REAL: dict[str, str] = {
    "-m health": "GO",
    "-m journey": "PAM answers, on its WebSocket, and keeps nothing of it; NO-GO of what a lost session shows",
    "checks/test_data_loss.py --baseline FILE": "each passes, at pace 60",
    "checks/test_schema.py --baseline FILE": "each passes, at pace 60",
    "checks/test_row_access.py": "each passes, at pace 60",
    "checks/integrity/settings-blank.sql": "each passes, at pace 60",
    "checks/test_deployed.py": "each passes, at pace 60",
    "checks/test_published.py": "each passes, at pace 60",
    "today-chat-apologises": "NO-GO: an apology, on its WebSocket",
    "api-left-behind": "NO-GO, HC-2",
    "worker-left-behind": "NO-GO, HC-2",
    "today-front-end-built-without-variables": "NO-GO, HC-1",
    "today-missing-script-served-as-html": "NO-GO, HC-1",
    "today-preloaded-module-served-as-html": "NO-GO, HC-1",
    "today-database-down": "NO-GO, HC-3",
    "today-we-are-banned": "INCONCLUSIVE, we are blocked",
    "today-old-page-served": "NO-GO, HC-1",
    "today-wide-settings-wiped": "NO-GO, DI-2",
    "today-messages-deleted": "NO-GO, SC-4",
    "today-expenses-moved": "NO-GO, SC-4 and IR-3",
    "today-policy-opened": "NO-GO, SC-4",
    "today-grants-revoked": "NO-GO, SC-4",
    "health-back-end-fails": "NO-GO, HC-2; decision ROLL BACK NOW with ST-4, watch the same",
    "health-browsers-refused": "NO-GO, HC-2; decision ROLL BACK NOW",
    "health-back-end-down": "NO-GO, HC-2",
    "today-lazy-scripts-gone-404": "NO-GO, HC-1",
}
"""By a row's id, or by what is asked where nothing is wrong: the verdict that the real product got, built and run on loopback."""


_PAGES = (
    "test_pages_have_no_new_barriers",
    "test_dark_colours_bring_no_new_barriers",
    "test_double_size_brings_no_new_barriers",
    "test_phones_bring_no_new_barriers",
)
LOST_SESSION = f"{SESSION}[chromium]"
"""A token that Supabase does not know leaves an account with $0.00."""
BARRIERS = frozenset({*(f"{name}[home]" for name in _PAGES), "test_pages_fit_the_window[phone]"})
"""Buttons without a name and pale text on the first page, and a table that is wider than a phone."""
RED_ANYWAY = frozenset({LOST_SESSION, *BARRIERS, "test_item_is_confirmed[DUR-4]"})
"""What is broken in every release of today's product, of all checks; where there is no baseline, and nobody answers for it."""


def _health(fault: str, words: str, *red: str, unknown: frozenset[str] = frozenset(), **parameters: str | float) -> Row:
    return Row(f"today-{fault}", fault, frozenset(red), words, parameters, unknown=unknown, product=TODAY)


def _data(what: str, words: str, file: str, *red: str, counted_before: bool = False) -> Row:
    name, parameters = f"today-{what}", {"what": what}
    return Row(name, "data", frozenset(red), words, parameters, file=file, counted_before=counted_before, product=TODAY)


def _contents(what: str, words: str) -> Row:
    name, red = f"today-contents-{what}", frozenset({CONTENTS})
    file = "test_data_loss.py"
    return Row(name, "contents-altered", red, words, {"what": what}, file=file, counted_before=True, product=TODAY)


ROWS = [
    _health("front-end-built-without-variables", "was it built without its variables?", FRONT_PAGE),
    _health("error-page-served", "the page is an error screen: 'Oops! Something went wrong'", FRONT_PAGE),
    _health("missing-script-served-as-html", "is missing: a page of HTML is answered in its place", FRONT_PAGE),
    Row(
        "today-preloaded-module-served-as-html",
        "missing-script-served-as-html",
        frozenset({FRONT_PAGE}),
        "app/services.js is missing: a page of HTML is answered in its place",
        {"asset": "app/services.js"},
        product=TODAY,
    ),
    *(
        Row(
            f"today-lazy-scripts-gone-{how}",
            "lazy-scripts-gone",
            frozenset({FRONT_PAGE}),
            words,
            {"how": how},
            product=TODAY,
        )
        for how, words in (
            (
                "html",
                "3 of 7 files that its scripts load later are not there, and the pages that need them are error screens",
            ),
            ("404", ".js: HTTP 404"),
        )
    ),
    # /health says healthy.
    _health("database-down", '"code": "PGRST001"', DATABASE, READS),
    _health("router-fails", "HTTP 500", READS, share=1),
    _health("we-are-banned", "only we are blocked", unknown=frozenset({BACKEND, READS})),
    _health("everybody-is-banned", "HTTP 403", BACKEND, READS),
    *(
        Row(
            f"today-health-{how}",
            "answers-lying",
            frozenset({BACKEND}),
            words,
            {"server": "api", "path": "/health", "how": how},
            product=TODAY,
        )
        for how, words in (
            ("maintenance", "healthy at its top only: maintenance is True"),
            ("breaker-open", "circuit_breakers.model is 'OPEN'"),
        )
    ),
    Row(
        "today-chat-apologises",
        "chat-apologises",
        frozenset({ANSWERS, PHONE}),
        "ask PAM: an apology instead of an answer: ",
        select="journey",
        product=TODAY,
        setting='browsers = ["chromium"]',
        red_anyway=frozenset({LOST_SESSION}),
    ),
    Row(
        "today-profile-says-it-failed",
        "failure-beside",
        frozenset({"test_users_reads_are_answered"}),
        "it says that it failed: success is False",
        product=TODAY,
    ),
    Row(
        "today-chat-says-it-failed",
        "failure-beside",
        frozenset({ANSWERS, PHONE}),
        "ask PAM: an error instead of an answer: ",
        select="journey",
        product=TODAY,
        setting='browsers = ["chromium"]',
        red_anyway=frozenset({LOST_SESSION}),
    ),
    Row(
        "today-chat-answers-anothers-words",
        "chat-answers-anothers-words",
        frozenset({SEPARATION}),
        "what the first account asked PAM by POST /api/v1/pam/chat",
        select="redeploy_gate and security",
        product=TODAY,
        red_anyway=frozenset({ACCESS}),
    ),
    # The old front end before the new back end: both work, and nothing names a release.
    Row(
        "today-old-page-served",
        "old-page-served",
        frozenset({PUBLISHED}),
        "the front end serves a page with SHA-256",
        file="test_published.py",
        product=TODAY,
    ),
    _data("wide-settings-wiped", "settings-blank: ", "integrity/settings-blank.sql", "test_settings_blank"),
    _data("messages-deleted", "pam_messages: ", "test_data_loss.py", "test_no_row_is_lost", counted_before=True),
    _data(
        "expenses-moved",
        "were moved to another owner",
        "test_data_loss.py",
        "test_no_row_is_moved",
        counted_before=True,
    ),
    _data(
        "policy-opened",
        "shows authenticated, who owns nothing there",
        "test_row_access.py",
        "test_no_stranger_is_shown_a_row",
    ),
    _data("trigger-dropped", "was lost: trigger public.expenses.touch", "test_schema.py", LOST, counted_before=True),
    _data("null-allowed", "public.expenses.category may be null now", "test_schema.py", WEAKER, counted_before=True),
    _data("function-opened", "public.spent_by(uuid) is new", "test_schema.py", OPENED, counted_before=True),
    Row(
        "today-window-chat-apologises",
        "chat-apologises",
        frozenset({WRITES, PEOPLE}),
        "an apology instead of an answer",
        select="window",
        product=TODAY,
        setting='browsers = ["chromium"]',
    ),
    Row(
        "today-window-expenses-fail",
        "writes-fail",
        frozenset({WRITES}),
        "expense failed",
        {"what": "expenses", "after_s": 7},
        select="window",
        product=TODAY,
        setting='browsers = ["chromium"]',
    ),
    _contents("old-amounts", "has another amount"),
    _contents("preferences-empty", "settings has another display_preferences"),
    _data("grants-revoked", "and no privilege does", "test_row_access.py", "test_the_product_can_reach_its_rows"),
]
