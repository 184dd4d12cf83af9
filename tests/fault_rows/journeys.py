"""What turns the journeys red, each in every browser."""

from tests.fault_rows.row import Row

ANSWERS = "test_pam_answers"
PHONE = "test_pam_answers_on_a_phone"
VOICE = "test_pam_is_spoken_to"
EXPENSE = "test_expense_is_added"
SETTING = "test_setting_is_kept"
TRIP = "test_trip_is_planned"
SESSION = "test_lost_session_is_renewed"
BEHIND = "test_nothing_fails_behind_the_pages"
NEW = "test_new_visitor_gets_the_release"
PAGES = "test_pages_are_no_error_screens"
RETURNING = "test_returning_visitor_gets_the_release"
PUBLISHED = "test_visitors_get_the_published_page"

SIGNED_IN = frozenset({ANSWERS, PHONE, VOICE, EXPENSE, SETTING, TRIP, SESSION, BEHIND})
"""Every journey that begins with signing in."""
CHAT = {"server": "api", "path": "/api/v1/pam/chat"}


def _row(name: str, fault: str, red: set[str] | frozenset[str], words: str, **parameters: str | float) -> Row:
    return Row(name, fault, frozenset(red), words, parameters, select="journey")


_BEHIND_IN_CHROMIUM = f"{BEHIND}[chromium]"
"""Where the telephone's journey is walked, and pictures of signed-in pages are taken."""


def _unseen(name: str) -> Row:
    return _row(name, "page", {PAGES, _BEHIND_IN_CHROMIUM}, "nothing can be seen of it", what=f"{name}.css")


ROWS: list[Row] = [
    _row("forms-dead", "page", SIGNED_IN, "sign in: still not signed in within 10 s", what="submit-dead.js"),
    _row(
        "sign-in-refused",
        "answers-503-healthy",
        SIGNED_IN,
        "sign in: the page says: You could not be logged in",
        server="api",
        path="/api/v1/auth/login",
    ),
    Row(
        "sign-in-limited",
        "rate-limited-login",
        frozenset(),
        "the sign-in is rate limited (HTTP 429",
        select="journey",
        unknown=SIGNED_IN,
    ),
    _row("chat-answers-503", "answers-503-healthy", {ANSWERS, PHONE, TRIP, BEHIND}, "PAM could not answer", **CHAT),
    _row(
        "chat-garbage",
        "answers-garbage",
        {ANSWERS, PHONE, TRIP, BEHIND},
        "PAM could not answer. The service cannot be reached",
        **CHAT,
    ),
    _row(
        "chat-too-slow",
        "answers-slowly",
        {ANSWERS, PHONE, TRIP},
        "PAM could not answer. The service did not answer in time",
        ms=12_000,
        **CHAT,
    ),
    _row(
        "chat-forgotten",
        "writes-forgotten",
        {ANSWERS, PHONE},
        "question and answer are gone after a reload of the page",
        what="messages",
    ),
    _row(
        "phone-unusable",
        "page",
        {PHONE},
        "open the chat: no field for a message within",
        what="phone-composer-hidden.css",
    ),
    _row(
        "chat-apologises",
        "chat-apologises",
        {ANSWERS, PHONE, TRIP, VOICE},
        "ask PAM: an apology instead of an answer (intent: None)",
    ),
    _row(
        "chat-crashes",
        "chat-apologises",
        {ANSWERS, PHONE, TRIP, VOICE},
        "the end of a program instead of an answer",
        says="traceback",
    ),
    _row(
        "chat-says-it-failed",
        "failure-beside",
        {ANSWERS, PHONE, TRIP},
        "ask PAM: it says that it failed: success is False: ",
    ),
    _row("phones-refused", "phones-refused", {PHONE, _BEHIND_IN_CHROMIUM}, "on a screen of 390 by 844"),
    _unseen("page-covered"),
    _unseen("main-never-fades-in"),
    _row("pictures-lost", "pictures-are-pages", {BEHIND}, "no image but a page of HTML"),
    _row(
        "profile-of-another",
        "cross-user-read",
        {BEHIND},
        "it shows somebody else's e-mail address",
        what="profile",
    ),
    Row(
        "message-field-renamed",
        "page",
        frozenset(),
        "was never found on /pam, which is well otherwise: the page has changed, or the contract",
        {"what": "message-field-renamed.js"},
        select="journey",
        unknown=frozenset({ANSWERS, PHONE, VOICE, TRIP, SESSION}),
    ),
    _row("voice-fails", "voice", {VOICE, BEHIND}, "speak to PAM: the page says: PAM could not hear you"),
    _row(
        "voice-gone",
        "page",
        {VOICE},
        "is on for this user, yet the page has no button to speak",
        what="voice-hidden.css",
    ),
    _row(
        "expense-forgotten",
        "writes-forgotten",
        {EXPENSE},
        "the expense was accepted, and the page does not list it",
        what="expenses",
    ),
    _row(
        "expense-shown-as-another",
        "expenses-falsified",
        {EXPENSE},
        "an expense of 12.34 was entered, and the API has 1234",
        how="shown",
    ),
    _row(
        "expense-stored-as-another",
        "expenses-falsified",
        {EXPENSE},
        "an expense of 12.34 was entered, and the API has 1.23",
        how="stored",
    ),
    _row(
        "expense-doubled",
        "expenses-falsified",
        {EXPENSE},
        "one expense was entered, and the API has it 2 times",
        how="doubled",
    ),
    _row(
        "expense-not-deleted",
        "writes-forgotten",
        {EXPENSE},
        "which the API acknowledged, and is still there",
        what="deletions",
    ),
    _row(
        "setting-forgotten",
        "writes-forgotten",
        {SETTING},
        "was set to 'km' and saved; after a reload it is 'miles'",
        what="settings",
    ),
    _row("trips-gone", "page", {TRIP}, "open the trips: no trip to plan within", what="trips-hidden.css"),
    _row(
        "lost-session-ignored",
        "page",
        {SESSION},
        "with a session that the service does not know any more, the page does not ask to sign in",
        what="lost-session-ignored.js",
    ),
    _row("console-error", "page", {BEHIND}, "console error: Wheels & Wins", what="console-error.js"),
    _row(
        "request-failing",
        "page",
        {BEHIND},
        "failed request: POST http://127.0.0.1:2/collect",
        what="request-failing.js",
    ),
    _row("request-refused", "page", {BEHIND}, "HTTP 404: GET", what="request-refused.js"),
    _row(
        "built-without-variables",
        "front-end-built-without-variables",
        SIGNED_IN | {PAGES},
        "it shows an error screen: 'Wheels & Wins cannot start'",
    ),
    _row("old-asset", "old-asset-served", {NEW, RETURNING}, "1 of 6 files are not those of 1.42.0"),
    # The page of before voice offers none, as it should: what is wrong is whose page it is.
    _row(
        "old-page",
        "old-page-served",
        {NEW, RETURNING},
        "the page is of release 1.41.3, its manifest of 1.42.0",
    ),
    Row(
        "old-page-published",
        "old-page-served",
        frozenset({PUBLISHED}),
        "the front end serves a page with SHA-256",
        file="test_published.py",
    ),
    _row(
        "worker-stuck",
        "service-worker-stuck",
        {RETURNING},
        "what a returning visitor gets in chromium: the page is of release 1.41.3",
    ),
]
