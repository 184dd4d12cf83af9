"""What turns the criteria for a rollback red, and what lies between them."""

from collections.abc import Mapping

from tests.fault_rows.decision_row import (
    ACCESSIBILITY,
    CONSIDER,
    DECISION,
    HOLDS,
    JOURNEYS,
    LOOK_AGAIN,
    NOW,
    THINK,
    UNKNOWN,
    WATCH,
    DecisionRow,
)

DAMAGED, GONE = "test_no_data_of_users_is_damaged", "test_no_row_of_users_is_gone"
MOVED = "test_no_row_of_users_is_moved"
REWRITTEN = "test_no_row_of_users_is_rewritten"
LEAK = "test_memory_does_not_leak"
DOWN, ERRORS = "test_the_service_is_not_down", "test_few_requests_fail"
FAR, SLOWER = "test_answers_are_not_far_slower", "test_answers_are_not_noticeably_slower"
ANSWERS, VOICE = "test_pam_answers", "test_pam_is_spoken_to"
NOT_WAITED_FOR = {"IR-4": UNKNOWN}
"""Once a rollback is asked for, nobody waits for ten minutes of something else."""
ONLY_ANSWERS = 'abilities = ["test_account", "flag_admin", "netlify", "render"]'
"""Nothing but users' answers is looked at; every strategy can be carried out."""
NOT_LOOKED_AT = frozenset({"IR-3", "IR-6"})


def _down(how: str, *, red: frozenset[str], states: Mapping[str, str], words: str) -> DecisionRow:
    """The API is dead: nobody knows its memory, nor whether this is its database."""
    every = frozenset({DAMAGED, GONE, MOVED, REWRITTEN, LEAK, DOWN, ERRORS, FAR, SLOWER})
    return DecisionRow(
        f"service-down-{how}",
        "release-down",
        red,
        words,
        {"how": how},
        select="decision",
        files=DECISION,
        unknown=every - red,
        states={"IR-2": HOLDS, "IR-3": UNKNOWN, "IR-5": HOLDS, "IR-6": UNKNOWN, **NOT_WAITED_FOR, **states},
        verdict=NOW,
        strategy="ST-4",
    )


def _banned(name: str, fault: str, words: str) -> DecisionRow:
    """Nothing is known of users' answers: neither that they are well nor that they are not."""
    return DecisionRow(
        f"decision-{name}",
        fault,
        frozenset(),
        words,
        select="decision",
        files=DECISION,
        setting=ONLY_ANSWERS,
        vouched=NOT_LOOKED_AT,
        unknown=frozenset({DOWN, ERRORS, FAR, SLOWER}),
        states={"IR-2": UNKNOWN, "IR-4": UNKNOWN, "IR-5": UNKNOWN, "CR-5": UNKNOWN},
        verdict="NOT KNOWN",
    )


def _data(
    what: str,
    red: set[str],
    words: str,
    *,
    verdict: str = NOW,
    state: str = HOLDS,
    unknown: frozenset[str] = frozenset(),
) -> DecisionRow:
    return DecisionRow(
        f"decision-{what}",
        "data",
        frozenset(red),
        words,
        {"what": what},
        select="decision",
        files=DECISION,
        unknown=unknown,
        states={"IR-3": state},
        verdict=verdict,
        strategy="ST-4",
    )


def _memory(
    name: str, state: str, verdict: str, words: str, *, mb: float, mb_per_s: float, strategy: str = ""
) -> DecisionRow:
    return DecisionRow(
        f"memory-{name}",
        "memory-leak",
        frozenset({LEAK} if state == HOLDS else ()),
        words,
        {"mb": mb, "mb_per_s": mb_per_s},
        select="decision",
        files=DECISION,
        states={"IR-6": state},
        verdict=verdict,
        strategy=strategy,
    )


def _slower(name: str, red: str, criterion: str, verdict: str, words: str, *, ms: float) -> DecisionRow:
    return DecisionRow(
        f"answers-{name}",
        "delay-all",
        frozenset({red}),
        words,
        {"ms": ms},
        select="decision",
        files=DECISION,
        states={criterion: HOLDS},
        verdict=verdict,
        strategy="ST-1",
        speed=True,
    )


def _errors(
    name: str,
    state: str,
    verdict: str,
    words: str,
    *,
    share: float,
    pace: float = 60,
    onset_s: float = 0,
    lasts_s: float = 0,
    strategy: str = "",
) -> DecisionRow:
    return DecisionRow(
        f"errors-{name}",
        "errors",
        frozenset({ERRORS} if state == HOLDS else ()),
        words,
        {"share": share},
        select="decision",
        files=DECISION,
        setting=ONLY_ANSWERS,
        vouched=NOT_LOOKED_AT,
        unknown=frozenset({FAR} if state == HOLDS else ()),
        states={"IR-5": state, **(NOT_WAITED_FOR if state == HOLDS else {})},
        verdict=verdict,
        strategy=strategy,
        pace=pace,
        onset_s=onset_s,
        lasts_s=lasts_s,
    )


ROWS: list[DecisionRow] = [
    # Answers that fail say nothing of speed: of a larger share too few would be left for CR-5, which needs 72.
    _errors("25-percent", HOLDS, NOW, "limit 20 %, for 5 s", share=0.27, strategy="ST-1"),
    _errors("8-percent", CONSIDER, THINK, "of the lower limit: error rate", share=0.12, strategy="ST-1"),
    _errors("not-for-long-yet", WATCH, LOOK_AGAIN, "not yet for 15 s", share=0.6, pace=20, onset_s=11),
    _errors("over-again", WATCH, LOOK_AGAIN, "not any more now", share=0.6, pace=20, onset_s=1, lasts_s=5),
    _down(
        "killed",
        red=frozenset({DOWN, ERRORS}),
        states={"CR-5": UNKNOWN},
        words="answers failed quickly: how fast the others came says little",
    ),
    # Whoever waits for five seconds and gets nothing is slow as well.
    _down(
        "hung",
        red=frozenset({DOWN, ERRORS, SLOWER}),
        states={"CR-5": HOLDS},
        words="most often health: no answer within 5 s",
    ),
    DecisionRow(
        "one-journey-down",
        "answers-503-healthy",
        frozenset({ERRORS}),
        "never answered: expenses",
        {"server": "api", "path": "/api/v1/expenses"},
        select="decision",
        files=DECISION,
        setting=ONLY_ANSWERS,
        vouched=NOT_LOOKED_AT,
        pace=40,  # at 60 some 71 answers are left to compare, and 72 are needed
        unknown=frozenset({FAR}),
        states={"IR-2": CONSIDER, "IR-5": HOLDS, **NOT_WAITED_FOR},
        verdict=NOW,
        strategy="ST-1",
    ),
    _data("expenses-orphaned", {DAMAGED, MOVED}, "damaged rows by"),
    # Most rows say that they were changed: whether their contents were meant to be is not known.
    _data("settings-wiped", {DAMAGED}, "damaged rows by", unknown=frozenset({REWRITTEN})),
    _data("expenses-deleted", {GONE}, "old code brings no rows back"),
    _data("messages-rewritten", {REWRITTEN}, "rewritten without a trace"),
    _data("expenses-moved", {MOVED}, "were moved to another owner"),
    _data("key-dropped", set(), "but the database's own rules are damaged", verdict=THINK, state=CONSIDER),
    _data("trigger-dropped", set(), "was lost: trigger public.expenses.touch", verdict=THINK, state=CONSIDER),
    _slower("60-percent-slower", FAR, "IR-4", NOW, "limit +50 %, for 10 s", ms=1300),
    _slower("30-percent-slower", SLOWER, "CR-5", THINK, "limit +20 %, for 5 s", ms=1050),
    _memory("leak-beyond-200-mb", HOLDS, NOW, "level 200 MB", mb=150, mb_per_s=4, strategy="ST-4"),
    _memory("high-and-flat", CONSIDER, THINK, "level 200 MB", mb=180, mb_per_s=0, strategy="ST-4"),
    _memory("on-its-way", WATCH, LOOK_AGAIN, "MB in 15 minutes", mb=0, mb_per_s=0.5),
    _memory("between", WATCH, LOOK_AGAIN, "level 200 MB", mb=60, mb_per_s=0),
    DecisionRow(
        "broken-in-one-browser",
        "page",
        frozenset({f"{ANSWERS}[firefox]"}),
        "asking PAM in firefox",
        {"what": "chat-dead-in-firefox.js"},
        select="decision",
        files=JOURNEYS,
        setting='browsers = ["chromium", "firefox"]',
        states={"CR-2": HOLDS},
        verdict=THINK,
        strategy="ST-2",
    ),
    DecisionRow(
        "decision-voice-fails",
        "voice",
        frozenset({VOICE}),
        "speak to PAM: the page says: PAM could not hear you",
        select="decision",
        files=JOURNEYS,
        states={"CR-3": HOLDS},
        verdict=THINK,
        strategy="ST-1",
    ),
    DecisionRow(
        "decision-image-without-alt",
        "page",
        frozenset(
            f"{check}[home]"
            for check in (
                "test_pages_have_no_new_barriers",
                "test_dark_colours_bring_no_new_barriers",
                "test_double_size_brings_no_new_barriers",
                "test_phones_bring_no_new_barriers",
            )
        ),
        "image-alt (1) on home-light",
        {"what": "image-without-alt.js"},
        select="decision",
        files=ACCESSIBILITY,
        states={"CR-4": HOLDS},
        verdict=THINK,
        strategy="ST-1",
    ),
    _banned("we-are-banned", "we-are-banned", "only we are blocked: through the second address"),
    DecisionRow(
        "decision-everybody-is-banned",
        "everybody-is-banned",
        frozenset({DOWN, ERRORS}),
        "no rollback lifts this: users are refused on every path",
        select="decision",
        files=DECISION,
        setting=ONLY_ANSWERS,
        vouched=NOT_LOOKED_AT,
        unknown=frozenset({FAR, SLOWER}),
        states={"IR-2": HOLDS, "IR-5": HOLDS, "CR-5": UNKNOWN, **NOT_WAITED_FOR},
        verdict=NOW,
    ),
    DecisionRow(
        "decision-front-page-gone",
        "site-missing",
        frozenset({DOWN, ERRORS}),
        "begin with ST-3",
        select="decision",
        files=DECISION,
        setting=ONLY_ANSWERS,
        vouched=NOT_LOOKED_AT,
        unknown=frozenset({FAR, SLOWER}),
        states={"IR-2": HOLDS, "IR-5": HOLDS, "CR-5": UNKNOWN, **NOT_WAITED_FOR},
        verdict=NOW,
        strategy="ST-3",
    ),
    DecisionRow(
        "decision-database-down",
        "database-down",
        frozenset({DOWN, ERRORS}),
        "no rollback lifts this: the database gives no rows",
        select="decision",
        files=DECISION,
        unknown=frozenset({DAMAGED, GONE, MOVED, REWRITTEN, FAR, SLOWER}),
        states={"IR-2": HOLDS, "IR-3": UNKNOWN, "IR-5": HOLDS, "CR-5": UNKNOWN, **NOT_WAITED_FOR},
        verdict=NOW,
    ),
    _banned("login-rate-limited", "rate-limited-login", "the sign-in is rate limited (HTTP 429)"),
    # The baseline knows that it was there: a release has lost it.
    DecisionRow(
        "decision-path-lost",
        "path-missing",
        frozenset({ERRORS}),
        "never answered: expenses",
        {"path": "/api/v1/expenses"},
        select="decision",
        files=DECISION,
        setting=ONLY_ANSWERS,
        vouched=NOT_LOOKED_AT,
        unknown=frozenset({FAR}),
        states={"IR-2": CONSIDER, "IR-5": HOLDS, **NOT_WAITED_FOR},
        verdict=NOW,
        strategy="ST-1",
        pace=40,  # a third of the answers is missing, and a p95 needs 73
    ),
    DecisionRow(
        "decision-chat-apologises",
        "chat-apologises",
        frozenset({ERRORS}),
        "no rollback lifts this: PAM apologises and all else is good",
        select="decision",
        files=DECISION,
        setting=f"{ONLY_ANSWERS}\nprobing = {{ rate_hz = 50, weights = {{ chat = 4 }} }}",
        vouched=NOT_LOOKED_AT,
        unknown=frozenset({FAR}),
        states={"IR-2": CONSIDER, "IR-5": HOLDS, **NOT_WAITED_FOR},
        verdict=NOW,
    ),
]
