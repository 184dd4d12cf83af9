"""What turns the health checks red."""

from tests.fault_rows.row import Row

FRONTEND = "test_front_end_is_healthy"
FRONT_PAGE = "test_front_page_is_the_site"
BACKEND = "test_back_end_is_healthy"
DATABASE = "test_database_is_healthy"
PAM = "test_pam_is_healthy"
EVERYTHING = "test_everything_together_is_healthy"
IN_TIME = "test_health_verdict_came_in_time"
SAME_RELEASE = "test_no_part_was_left_behind"

_API = {"server": "api"}
_DB = {"server": "api", "path": "/health/db"}


def _of_database(identifier: str, fault: str, words: str, **parameters: str) -> Row:
    return Row(identifier, fault, frozenset({DATABASE, SAME_RELEASE}), words, _DB | parameters)


def _lying(how: str, words: str) -> Row:
    return Row(f"health-{how}", "answers-lying", frozenset({DATABASE}), words, _DB | {"how": how})


def _withheld(how: str, words: str) -> Row:
    return Row(f"page-withheld-{how}", "page-withheld", frozenset({FRONT_PAGE}), words, {"how": how})


ROWS = [
    Row("script-is-html", "missing-script-served-as-html", frozenset({FRONT_PAGE}), "is missing: a page of HTML is"),
    Row("lazy-scripts-gone", "lazy-scripts-gone", frozenset({FRONT_PAGE}), "that its scripts load later are not there"),
    Row("error-page", "error-page-served", frozenset({FRONT_PAGE}), "the page is an error screen: 'Oops! Something"),
    _withheld("no-scripts", "its Content-Security-Policy lets no script run"),
    _withheld("sent-on", "it sends its visitors on to 'https://elsewhere.example/' by itself"),
    _withheld("reloads", "it loads itself again every 8 s"),
    _withheld("download", "it is offered as a file to keep"),
    _withheld("not-gzip", "its Content-Encoding says gzip, and it is not"),
    Row(
        "spa-fallback",
        "answers-html",
        frozenset({FRONTEND, SAME_RELEASE}),
        "single-page fallback",
        {"server": "frontend", "path": "/health"},
    ),
    Row("200-unhealthy", "answers-unhealthy", frozenset({BACKEND}), "says unhealthy", _API | {"path": "/health"}),
    Row("503-healthy", "answers-503-healthy", frozenset({DATABASE}), "HTTP 503", _DB),
    Row(
        "html-for-json",
        "answers-html",
        frozenset({PAM, SAME_RELEASE}),
        "not JSON but text/html",
        _API | {"path": "/health/pam"},
    ),
    _of_database("garbage", "answers-garbage", "not JSON although its content type says so"),
    _of_database("never-ending", "answers-never-ending", "the body did not end within 5 s"),
    _of_database("silence", "answers-silence", "silent: connected, but no answer within 5 s"),
    _of_database("half-closed", "answers-half-closed", "announced bytes"),
    _of_database("status-twice", "answers-lying", "the key 'status' stands twice in one object", how="twice"),
    _of_database("not-a-number", "answers-lying", "NaN is no JSON number", how="not-a-number"),
    Row(
        "part-down",
        "answers-lying",
        frozenset({DATABASE}),
        "healthy at its top only: checks.database.status is 'unhealthy', checks.redis is 'down'",
        _DB | {"how": "part-down"},
    ),
    Row("healthy-false", "answers-lying", frozenset({DATABASE}), "healthy is False", _DB | {"how": "flag"}),
    Row(
        "issues-filled",
        "answers-lying",
        frozenset({DATABASE}),
        "issues is ['database: no route']",
        _DB | {"how": "issues"},
    ),
    _lying("maintenance", "healthy at its top only: maintenance is True"),
    _lying("warnings", "warnings is ['database: 97 of 100 connections are used']"),
    _lying("alerts", "alerts is [{'name': 'high error rate'"),
    _lying("breaker-open", "circuit_breakers.model is 'OPEN'"),
    _lying("traceback", "detail is 'Traceback (most recent call last):"),
    Row("release-unknown", "answers-lying", frozenset({SAME_RELEASE}), "none: the database", _DB | {"how": "nameless"}),
    Row(
        "answer-kept",
        "answers-lying",
        frozenset(),
        "a cache answered, with what it has kept for 86400 s (Age)",
        _DB | {"how": "kept"},
        unknown=frozenset({DATABASE}),
    ),
    Row("old-page-in-the-cache", "old-page-served", frozenset({SAME_RELEASE}), "1.41.3: the front page"),
    Row("wrong-release", "answers-wrong-release", frozenset({SAME_RELEASE}), "1.40.9", _DB),
    Row(
        "comprehensive",
        "answers-unhealthy",
        frozenset({EVERYTHING}),
        "says unhealthy",
        _API | {"path": "/health/comprehensive"},
    ),
    Row("database-down", "database-down", frozenset({BACKEND, DATABASE, PAM, EVERYTHING}), "says unhealthy"),
    Row(
        "release-killed",
        "release-down",
        frozenset({BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE}),
        "HTTP 502",
        {"how": "killed"},
    ),
    Row(
        "release-hung",
        "release-down",
        frozenset({BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE}),
        "silent: connected",
        {"how": "hung"},
    ),
    Row(
        "we-are-banned",
        "we-are-banned",
        frozenset(),
        "only we are blocked: through the second address",
        unknown=frozenset({BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE}),
    ),
    Row(
        "everybody-is-banned",
        "everybody-is-banned",
        frozenset({BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE}),
        "HTTP 403",
    ),
    Row(
        "we-are-banned-everywhere",
        "we-are-banned",
        frozenset(),
        "only we are blocked: through the second address",
        {"server": "both", "status": "429"},
        unknown=frozenset({FRONTEND, FRONT_PAGE, BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE, IN_TIME}),
    ),
    Row(
        "path-missing",
        "path-missing",
        frozenset(),
        "this product has no such path",
        {"path": "/health/pam"},
        unknown=frozenset({PAM, SAME_RELEASE}),
    ),
]
