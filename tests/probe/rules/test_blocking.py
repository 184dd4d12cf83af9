"""Being blocked is not an outage: histories of answers, and what each says of the service and of us."""

from collections.abc import Callable, Iterable

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.decision.decision_measures import downtime, error_rate
from pam_rollback.probe.blocking import (
    Block,
    HostAnswer,
    Look,
    Others,
    Place,
    find_blocks,
    meaning,
    open_end,
    sort_out,
    why_void,
)
from pam_rollback.probe.measure import WindowState
from pam_rollback.probe.recovery import OutageRule, recovery
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.sustained import ConditionState, Question, Span
from pam_rollback.probe.sustained import judge as judge_condition
from pam_rollback.probe.window import WindowSpec, judge
from pam_rollback.stats.series import Quantity

API, SITE = "api.example", "www.example"
PLACES = {
    "front page": Place(SITE, "/", is_page=True),
    "health": Place(API, "/health"),
    "history": Place(API, "/history", needs_account=True),
    "expenses": Place(API, "/expenses", needs_account=True),
    "login": Place(API, "/login", needs_account=True, signs_in=True),
}


def told(*answers: tuple[str, int | None], host: str = API) -> list[HostAnswer]:
    """One answer a second; a path that ends in * needs an account."""
    return [
        HostAnswer(host, path.rstrip("*"), status, float(second), needs_account=path.endswith("*"))
        for second, (path, status) in enumerate(answers)
    ]


def probed(*statuses: Iterable[tuple[str, int | None]]) -> tuple[Sample, ...]:
    """A round of journeys each second."""
    return tuple(
        Sample(
            due_s=second + number / 10,
            latency_ms=20.0,
            journey=journey,
            ok=status == 200,
            why="" if status == 200 else f"HTTP {status}",
            status=status,
        )
        for second, round_ in enumerate(statuses)
        for number, (journey, status) in enumerate(round_)
    )


def everywhere(status: int | None, *, page: int = 200) -> list[tuple[str, int | None]]:
    """The same answer at each journey of the API."""
    return [("front page", page), *((name, status) for name in ("health", "history", "expenses"))]


BLOCKED = [
    pytest.param(told(("/health", 403), ("/version", 403)), id="two open paths"),
    pytest.param(told(("/health", 403), ("/history*", 403)), id="one open path and one of an account"),
    pytest.param(told(("/health", 429), ("/version", 403)), id="rate limited, then shut out"),
    pytest.param(
        told(("/health", 200), ("/version", 200), ("/health", 403), ("/version", 403)), id="in the middle of it"
    ),
]
NOT_BLOCKED = [
    pytest.param(told(("/health", 403), ("/version", 200)), id="a broken health endpoint"),
    pytest.param(told(("/health", 403)), id="one path alone"),
    pytest.param(told(("/health", 403), ("/health", 403), ("/health", 403)), id="one path again and again"),
    pytest.param(told(("/history*", 403), ("/expenses*", 403)), id="a wrong token"),
    pytest.param(told(("/history*", 401), ("/health", 401)), id="401 is no ban"),
    pytest.param(told(("/health", 429), ("/version", 503)), id="down, beside a 429"),
    pytest.param(told(("/health", 429), ("/version", None)), id="refused, beside a 429"),
    pytest.param(told(("/health", 500), ("/version", 500)), id="down"),
    pytest.param(told(("/health", 404), ("/version", 404)), id="not found"),
    pytest.param([], id="nothing was asked"),
    pytest.param([*told(("/health", 403)), *told(("/", 403), host=SITE)], id="one path of each of two hosts"),
    pytest.param(
        told(*([("/health", 403), ("/version", 403), ("/health", 200)] * 5)), id="a share of its users is refused"
    ),
]


@pytest.mark.parametrize("answers", BLOCKED)
def test_a_host_that_refuses_everything_blocks_whoever_asks(answers: list[HostAnswer]) -> None:
    """403 and 429, on several paths, one of them open to everybody, and nothing else between."""
    assert [block.host for block in find_blocks(answers)] == [API]


@pytest.mark.parametrize("answers", NOT_BLOCKED)
def test_everything_else_keeps_its_meaning(answers: list[HostAnswer]) -> None:
    """What is forbidden in part, what is down, and what nobody asked."""
    assert find_blocks(answers) == ()


def test_hosts_are_told_apart() -> None:
    """The API shuts us out; the site, which another company serves, goes on."""
    answers = [*told(("/health", 403), ("/version", 403)), *told(("/", 200), ("/health", 200), host=SITE)]

    assert [block.host for block in find_blocks(answers)] == [API]


def test_the_sentence_says_what_was_seen_and_what_to_do() -> None:
    """Host, status, how much was asked, how long to wait, and where to look next."""
    answers = [*told(("/health", 403)), HostAnswer(API, "/version", 403, 1.0, retry_after="3600")]
    [block] = find_blocks(answers)

    assert str(block).startswith(
        "api.example answers HTTP 403 on every path that was asked (2 paths, n=2; Retry-After: 3600): "
        "we are blocked, or everybody is: look from another address"
    )


@pytest.mark.parametrize(
    ("looks", "others", "words"),
    [
        ([], Others.UNKNOWN, "we are blocked, or everybody is"),
        ([Look(Others.SERVED, "HTTP 200 at a second address")], Others.SERVED, "only we are blocked: HTTP 200"),
        ([Look(Others.REFUSED, "HTTP 403 there, too")], Others.REFUSED, "users get it too: HTTP 403 there, too"),
        ([Look(Others.UNKNOWN, "no proxy answers")], Others.UNKNOWN, "no proxy answers"),
        ([Look(Others.SERVED, "a"), Look(Others.REFUSED, "b")], Others.REFUSED, "users get it too: b"),
    ],
)
def test_who_looks_from_elsewhere_decides(looks: list[Look], others: Others, words: str) -> None:
    """Users who are refused outweigh users who are served; nobody's word leaves it open."""
    found, sentence = meaning(Block(API, 0, 1, (403,), 2, 2), looks)

    assert found is others
    assert words in sentence


def test_the_end_of_a_history_may_be_the_beginning_of_a_block() -> None:
    """That is when further paths are asked."""
    answers = told(("/health", 200), ("/health", 403), ("/health", 403))

    assert len(open_end(answers, API)) == 2
    assert open_end(told(("/health", 403), ("/health", 200)), API) == ()
    assert open_end(answers, SITE) == ()


# ---------------------------------------------------------------- the prober's samples

Looks = Callable[[str], Iterable[Look]]
"""What others get of a host."""
NO_LOOKS: Looks = lambda _: ()  # noqa: E731
REFUSED_TOO: Looks = lambda host: [Look(Others.REFUSED, "HTTP 403 at a second address")] * (host == API)  # noqa: E731
SERVED: Looks = lambda host: [Look(Others.SERVED, "HTTP 200 at a second address")] * (host == API)  # noqa: E731


def test_what_was_seen_before_a_ban_stands() -> None:
    """From the first refusal on nothing is known of the API; the site goes on being measured."""
    samples = probed(everywhere(200), everywhere(500), everywhere(403), everywhere(403))
    found = sort_out(samples, PLACES)

    assert [one.status for one in found if one.blocked] == [403] * 6
    assert [one.status for one in found if one.measured()] == [200] * 5 + [500] * 3 + [200] * 2
    assert "we are blocked" in why_void(found)


def test_users_who_are_refused_too_are_users_without_service() -> None:
    """Then a refusal is as bad as it looks."""
    samples = probed(*[everywhere(403)] * 4)
    found = sort_out(samples, PLACES, looks=REFUSED_TOO)

    assert not any(one.void for one in found)


def test_a_path_that_only_refuses_is_an_error() -> None:
    """403 at /health, while everything else answers."""
    samples = probed(*[[("health", 403), ("history", 200), ("expenses", 200)]] * 6)

    assert not any(one.void for one in sort_out(samples, PLACES))


def test_a_control_path_tells_a_host_that_is_asked_for_one_path_only() -> None:
    """Without an account the prober asks the API for its health, and for nothing else."""
    samples = probed(*[[("health", 403)]] * 5)
    refused, answered = (HostAnswer(API, "/version", status, 4.5) for status in (403, 200))

    assert all(one.blocked for one in sort_out(samples, PLACES, controls=[refused]))
    assert not any(one.void for one in sort_out(samples, PLACES, controls=[answered]))
    assert not any(one.void for one in sort_out(samples, PLACES))


def test_a_limited_sign_in_is_no_error() -> None:
    """Some are refused: those are left out. All are: then nothing is known of signing in."""
    some = probed([("login", 200), ("health", 200)], [("login", 429), ("health", 200)])
    every = probed(*[[("login", 429), ("health", 200)]] * 4)
    of_some, of_every = (sort_out(found, PLACES) for found in (some, every))

    assert [one.void != "" for one in of_some] == [False, False, True, False]
    assert why_void(of_some) == ""
    assert "the sign-in is rate limited (HTTP 429 at /login)" in why_void(of_every)


def test_a_path_that_was_never_there_is_not_an_outage() -> None:
    """404 and never anything else. What answered before, here or in a baseline, was lost: an error."""
    never = probed(*[[("history", 404), ("health", 200)]] * 4)
    lost = probed([("history", 200), ("health", 200)], [("history", 404), ("health", 200)])

    found = sort_out(never, PLACES)
    assert "this product has no such path: /history answers HTTP 404; see [paths]" in why_void(found)
    assert not any(one.void for one in sort_out(lost, PLACES))
    assert not any(one.void for one in sort_out(never, PLACES, answered_before={"history"}))


def test_a_site_without_its_page_is_an_outage() -> None:
    """404 at the front page is what every visitor gets."""
    samples = probed(*[[("front page", 404), ("health", 200)]] * 4)

    assert not any(one.void for one in sort_out(samples, PLACES))


def test_probes_that_never_left_say_nothing_of_a_block() -> None:
    """They neither make one nor end one."""
    never = Sample(due_s=2.05, latency_ms=float("nan"), journey="health", ok=False, why="overrun", lag_ms=None)
    samples = (*probed(*[everywhere(403)] * 4), never)
    found = sort_out(samples, PLACES)

    assert sum(one.blocked for one in found) == 12
    assert found[-1] == never


# ---------------------------------------------------------------- held against the criteria

ROUNDS = 60
"""Seconds, each with four answers, one of them of the site."""


def history(*parts: tuple[int, int | None]) -> tuple[Sample, ...]:
    """So many seconds of this answer of the API, then so many of that."""
    return probed(*[everywhere(status) for seconds, status in parts for _ in range(seconds)])


def window(samples: tuple[Sample, ...], looks: Looks = NO_LOOKS) -> WindowState:
    """SC-1 over all of it."""
    spec = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=ROUNDS)
    found = sort_out(samples, PLACES, looks=looks)
    return judge(found, spec, start_s=0, now_s=ROUNDS + 1, rate_hz=4).state


def conditions(samples: tuple[Sample, ...], looks: Looks = NO_LOOKS) -> tuple[ConditionState, ConditionState]:
    """IR-2 and IR-5 of the worse part, each for 30 s, at the end of it."""
    found = sort_out(samples, PLACES, looks=looks)
    sides = [[one for one in found if (one.journey == "front page") is page] for page in (True, False)]
    question, span = Question(asked_s=30, duration_s=30, gap_max_s=5), Span(0, ROUNDS, 1)
    down, errors = (
        max((judge_condition(side, question, measure, span).state for side in sides), key=_BAD_LAST.index)
        for measure in (downtime("side"), error_rate("side", 20))
    )
    return down, errors


_BAD_LAST: tuple[ConditionState, ...] = (
    ConditionState.CLEAR,
    ConditionState.OPEN,
    ConditionState.UNKNOWN,
    ConditionState.OVER,
    ConditionState.NOT_YET,
    ConditionState.HOLDS,
)


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        pytest.param(history((60, 200)), WindowState.MET, id="well"),
        pytest.param(history((60, 403)), WindowState.UNKNOWN, id="banned all the time"),
        pytest.param(history((30, 200), (30, 429)), WindowState.UNKNOWN, id="banned from the middle on"),
        pytest.param(history((30, 200), (10, 403), (20, 200)), WindowState.UNKNOWN, id="banned for a while"),
        pytest.param(history((20, 200), (10, 500), (30, 403)), WindowState.BROKEN, id="broken, then banned"),
        pytest.param(history((59, 200), (1, 500), (0, 403)), WindowState.MET, id="one bad second"),
        pytest.param(history((60, 503)), WindowState.BROKEN, id="down"),
        pytest.param(
            probed(*[everywhere(403, page=503)] * 60), WindowState.BROKEN, id="the site down, the API bans us"
        ),
        pytest.param(
            probed(*[everywhere(429), everywhere(503)] * 30), WindowState.BROKEN, id="down, and a limit between"
        ),
    ],
)
def test_a_window_is_not_known_from_a_ban_on(samples: tuple[Sample, ...], state: WindowState) -> None:
    """Never met, and broken only by what the service answered before, or somewhere else."""
    assert window(samples) is state


def test_a_ban_is_no_run_of_bad_seconds() -> None:
    """One bad second before it and one after it are two, and not all of the time between."""
    samples = probed(*[[("health", status), ("history", status)] for status in (500, *[403] * (ROUNDS - 2), 500)])
    spec = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=10, duration_s=ROUNDS, bad_run_max_s=2)
    found = sort_out(samples, PLACES)

    assert judge(found, spec, start_s=0, now_s=ROUNDS + 1, rate_hz=2).state is WindowState.UNKNOWN


def test_a_window_is_broken_when_users_are_refused() -> None:
    """And stays not known when only we are."""
    assert window(history((30, 200), (30, 403)), REFUSED_TOO) is WindowState.BROKEN
    assert window(history((30, 200), (30, 403)), SERVED) is WindowState.UNKNOWN


@pytest.mark.parametrize(
    ("samples", "looks", "states"),
    [
        pytest.param(history((60, 200)), NO_LOOKS, (ConditionState.CLEAR, ConditionState.CLEAR), id="well"),
        pytest.param(history((60, 403)), NO_LOOKS, (ConditionState.UNKNOWN, ConditionState.UNKNOWN), id="banned"),
        pytest.param(history((60, 403)), SERVED, (ConditionState.UNKNOWN, ConditionState.UNKNOWN), id="we alone"),
        pytest.param(
            history((60, 403)), REFUSED_TOO, (ConditionState.HOLDS, ConditionState.HOLDS), id="users are refused, too"
        ),
        pytest.param(history((60, 503)), NO_LOOKS, (ConditionState.HOLDS, ConditionState.HOLDS), id="down"),
        pytest.param(history((60, None)), NO_LOOKS, (ConditionState.HOLDS, ConditionState.HOLDS), id="no connection"),
        pytest.param(
            history((50, 200), (10, 403)),
            NO_LOOKS,
            (ConditionState.UNKNOWN, ConditionState.UNKNOWN),
            id="banned just now",
        ),
        pytest.param(
            history((40, 403), (20, 200)),
            NO_LOOKS,
            (ConditionState.CLEAR, ConditionState.CLEAR),
            id="banned before, well now",
        ),
        pytest.param(
            history((40, 403), (20, 503)),
            NO_LOOKS,
            (ConditionState.UNKNOWN, ConditionState.UNKNOWN),
            id="banned before, ill now",
        ),
        pytest.param(
            history((40, 503), (3, 429), (17, 503)),
            NO_LOOKS,
            (ConditionState.HOLDS, ConditionState.HOLDS),
            id="down, limited a moment",
        ),
    ],
)
def test_a_rollback_is_not_asked_for_by_a_ban(
    samples: tuple[Sample, ...], looks: Looks, states: tuple[ConditionState, ConditionState]
) -> None:
    """IR-2 and IR-5: neither hold nor are clear, unless users are refused, too."""
    assert conditions(samples, looks) == states


def test_a_ban_is_not_waited_out() -> None:
    """More of it tells nothing: it is known at once that nothing is known."""
    samples = history((2, 200), (8, 403))
    found = sort_out(samples, PLACES)
    question = Question(asked_s=30, duration_s=30, gap_max_s=5)

    assert judge_condition(found, question, error_rate("all", 20), Span(0, 10, 4)).final


def test_recovery_is_not_known_behind_a_ban() -> None:
    """Neither that users are well again nor that they are not."""
    samples = history((5, 503), (10, 403))
    found = sort_out(samples, PLACES)

    with pytest.raises(
        MeasurementFailed, match=r"when users were well again is not known: api\.example answers HTTP 403"
    ):
        recovery(found, incident_s=0, decision_s=4, rule=OutageRule(limit_pct=10))
