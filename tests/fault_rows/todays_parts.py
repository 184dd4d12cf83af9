"""Each part of today's product that users need, down, failing now and then, slow and wrong: what turns red, and which part is named."""

from tests.fault_rows.health import BACKEND, DATABASE, FRONT_PAGE
from tests.fault_rows.row import Row
from tests.fault_rows.todays_product import READS, TODAY
from tests.fault_rows.windows import ERRORS, RESPONSES

SITE, ROWS_HOST = {"server": "frontend", "path": "/*"}, {"server": "supabase", "path": "/rest/*"}
USERS = {"server": "api", "path": "/api/v1/users/*"}
AS_A_BROWSER = "back end, as a browser asks"


def _health(name: str, fault: str, words: str, *red: str, **parameters: str | float) -> Row:
    return Row(f"health-{name}", fault, frozenset(red), words, parameters, product=TODAY)


def _window(
    name: str, fault: str, words: str, *red: str, unknown: str = "", uncertain: str = "", **parameters: str | float
) -> Row:
    return Row(
        f"window-{name}",
        fault,
        frozenset(red),
        words,
        parameters,
        select="window",
        unknown=frozenset({unknown} - {""}),
        uncertain=frozenset({uncertain} - {""}),
        product=TODAY,
    )


ROWS = [
    _health("front-end-down", "answers-fail", "HTTP 500", FRONT_PAGE, **SITE),
    _health("back-end-down", "release-down", "back end: HTTP 502", BACKEND, READS, how="killed"),
    # What users meet while /health is well.
    _health("back-end-fails", "code-errors", "back end: HTTP 500 instead of 200", READS, share=1.0),
    _health("back-end-wrong", "answers-garbage", "back end: ", READS, **USERS),
    _health("rows-down", "answers-fail", "rows at Supabase: ", DATABASE, READS, **ROWS_HOST),
    _health("rows-wrong", "answers-garbage", "rows at Supabase: ", DATABASE, READS, **ROWS_HOST),
    _health(
        "browsers-refused",
        "browsers-refused",
        f"{AS_A_BROWSER}: HTTP 503 instead of 200; good: back end",
        READS,
        server="api",
    ),
    _window(
        "front-end-fails", "answers-fail", "error rate of the front end", ERRORS, uncertain=RESPONSES, share=0.2, **SITE
    ),
    _window("front-end-slow", "answers-slowly", "response time of the front end", RESPONSES, ms=900, **SITE),
    _window("back-end-down", "release-down", "error rate of the back end 100", ERRORS, unknown=RESPONSES, how="killed"),
    _window("back-end-fails", "code-errors", "error rate of the back end", ERRORS, uncertain=RESPONSES, share=0.2),
    _window("back-end-slow", "answers-slowly", "response time of the back end", RESPONSES, ms=900, **USERS),
    _window("back-end-wrong", "answers-garbage", "error rate of the back end", ERRORS, unknown=RESPONSES, **USERS),
    _window(
        "browsers-refused",
        "browsers-refused",
        f"error rate of the {AS_A_BROWSER}",
        ERRORS,
        unknown=RESPONSES,
        server="api",
    ),
    _window(
        "rows-fail",
        "answers-fail",
        "error rate of the rows at Supabase",
        ERRORS,
        uncertain=RESPONSES,
        share=0.2,
        **ROWS_HOST,
    ),
    _window("rows-slow", "answers-slowly", "response time of the rows at Supabase", RESPONSES, ms=900, **ROWS_HOST),
    _window(
        "health-fails",
        "answers-fail",
        "error rate of the health of the back end",
        ERRORS,
        server="api",
        path="/health",
        share=0.1,
    ),
]
