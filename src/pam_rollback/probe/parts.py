"""The parts of a product that users need, each with the journeys that ask it.

Each part is a series of its own with its own n. No part is averaged with another one: of a back end that answers nothing, two thirds of
good pages say nothing. The worst part decides. A part that is declared and not asked is not known.

What users ask over and over is listed once, too, and how often the prober asks it. A load test takes from it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.journeys import (
    BROWSER_JOURNEY,
    CACHED_FRONT_PAGE,
    FRONT_PAGE,
    HEALTH_JOURNEY,
    LOGIN_JOURNEY,
    PAGES,
    Journey,
    ProbeConfig,
    SignIn,
)
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.recovery import OutageRule, Recovery, recovery
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import WindowSpec, judge_without_prober_lag
from pam_rollback.target.contract import BACKEND, Contract, Site
from pam_rollback.target.environment import Environment
from pam_rollback.target.expectation import JSON, Expect, healthy

FRONT_END, BACK_END, ROWS = "front end", "back end", "rows"
BROWSER, HEALTH = "browser", "health"
SHOWN: Mapping[str, str] = {
    ROWS: "rows at Supabase",
    BROWSER: "back end, as a browser asks",
    HEALTH: "health of the back end",
}
"""What people call a part, where its name alone does not say it."""
READS = ("profile", "settings", "history", "expenses")
"""What a user's request reads."""
_NAMED = {HEALTH_JOURNEY: HEALTH, BROWSER_JOURNEY: BROWSER}
_CONTROL = "control: turned bad on purpose"
_LATE_MS = 60_000.0

Judge = Callable[..., Window]
"""Judges the samples of one part: ``judge_without_prober_lag`` or ``judge_sample``."""


@dataclass(frozen=True)
class Series:
    """The journeys that ask one part. ``lacking`` says why there are none; empty when there are."""

    part: str
    journeys: tuple[str, ...]
    rate_hz: float = 0.0
    """Probes a second."""
    lacking: str = ""

    @property
    def shown(self) -> str:
        """What people call it."""
        return SHOWN.get(self.part, self.part)


def series_of(environment: Environment, config: ProbeConfig) -> tuple[Series, ...]:
    """Return a series for each part that the product's contract declares, asked or not."""
    reads = {str(name): one for name, one in environment.contract.operations.items() if name in READS and one.address}
    declared = [FRONT_END, BACK_END, BROWSER]
    declared += [ROWS] if any(one.site == "supabase" for one in reads.values()) else []
    declared += [HEALTH] if any(one.part == HEALTH for one in config.journeys) else []
    turns = sum(one.weight for one in config.journeys)
    found = []
    for part in declared:
        own = [one for one in config.journeys if one.part == part]
        rate_hz = config.rate_hz * sum(one.weight for one in own) / turns
        lacking = (
            "" if own else _why_not_asked(part, config, reads=any(_is_of(part, one.site) for one in reads.values()))
        )
        found.append(Series(part, tuple(one.name for one in own), rate_hz, lacking))
    return tuple(found)


def part_of(name: str, site: str) -> str:
    """Return the part that a journey of this name asks, at this key of ``[urls]``."""
    if name in PAGES:
        return FRONT_END
    if name in _NAMED:
        return _NAMED[name]
    return ROWS if site == "supabase" else BACK_END


def without_health(series: Sequence[Series]) -> tuple[Series, ...]:
    """Return the parts that users wait for; where nothing else of the API is asked, health stands for it."""
    users = tuple(one for one in series if one.part != HEALTH)
    return users if any(one.journeys and one.part != FRONT_END for one in users) else tuple(series)


def turned_bad(samples: Sequence[Sample], *, duration_s: float, rate_hz: float) -> tuple[Sample, ...]:
    """Return these samples over and over from moment 0 on, each of them bad and late: what a judge would see of a part that is down."""
    n = math.floor(duration_s * rate_hz) + 1 if samples else 0
    taken = (samples[i % len(samples)] for i in range(n))
    return tuple(
        replace(one, ok=False, why=_CONTROL, due_s=i / rate_hz, lag_ms=0.0, latency_ms=_LATE_MS)
        for i, one in enumerate(taken)
    )


class Coverage:
    """Knows the parts of which nothing could be judged: those that nothing asks, and those whose badness would not be noticed.

    The control runs once for each part, with the first samples of it: all of them turned bad, they must break the criterion.
    """

    def __init__(self, series: Iterable[Series], unnoticed: Callable[[Series, Sequence[Sample]], str]) -> None:
        """``unnoticed`` judges samples that are turned bad, and says why that would not be noticed; empty when it would."""
        self._series = tuple(series)
        self._unnoticed = unnoticed
        self._proven: set[str] = set()

    def lacking(self, samples: Mapping[str, Sequence[Sample]]) -> dict[str, str]:
        """Return the parts that are not known, each with the reason."""
        found = {one.part: one.lacking for one in self._series if one.lacking}
        for one in self._series:
            measured = [sample for sample in samples.get(one.part, ()) if sample.measured()]
            if one.part in self._proven or not measured:
                continue
            if why := self._unnoticed(one, measured):
                found[one.part] = f"that all of it failed would not be noticed: {why}"
            else:
                self._proven.add(one.part)
        return found


def judge_parts(
    samples: Iterable[Sample],
    series: Sequence[Series],
    spec_at: Callable[[float], WindowSpec],
    *,
    lacking: Mapping[str, str],
    judge: Judge = judge_without_prober_lag,
    **moments: float,
) -> Window:
    """Judge each part by itself, and return the verdict of the worst, which names the others.

    ``spec_at`` is what is asked at a rate of probes; ``lacking`` are the parts that are not known. ``moments`` are those of ``judge``.
    """
    own = by_part(samples, series)
    found = [
        (one, judge(own[one.part], spec_at(one.rate_hz), rate_hz=one.rate_hz, **moments))
        for one in series
        if one.journeys
    ]
    order = (WindowState.BROKEN, WindowState.UNKNOWN, WindowState.HOLDING, WindowState.MET)
    of, verdict = min(found, key=lambda one: (order.index(one[1].state), -_value(one[1])))
    others = tuple((one.shown, other) for one, other in found if one is not of)
    # What nothing asks is not known; what is asked may still break until its time is over.
    if lacking and verdict.state is WindowState.MET:
        reason = "; ".join(f"{SHOWN.get(part, part)}: {why}" for part, why in lacking.items())
        verdict = replace(verdict, state=WindowState.UNKNOWN, reason=reason)
    return replace(verdict, part=of.shown, others=others)


def recovery_of_parts(
    samples: Iterable[Sample],
    series: Sequence[Series],
    *,
    needed: Iterable[str],
    incident_s: float | None,
    decision_s: float,
    rule: OutageRule,
    acted_s: float | None = None,
) -> Recovery:
    """Return the recovery of the part that was well last; of one that is not well where there is one.

    ``needed`` are the parts that were rolled back. Raises MeasurementFailed where nothing asks one of them, and as ``recovery`` does.
    """
    for one in series:
        if one.lacking and one.part in set(needed):
            raise MeasurementFailed(f"when users were well again is not known: {one.shown}: {one.lacking}")
    asked = [one for one in without_health(series) if one.journeys]
    own = by_part(samples, asked)
    found = [
        replace(
            recovery(
                own[one.part],
                incident_s=incident_s,
                decision_s=decision_s,
                rule=rule.at(one.rate_hz),
                acted_s=acted_s,
            ),
            part=one.shown if len(asked) > 1 else "",
        )
        for one in asked
    ]
    return max(found, key=lambda one: math.inf if one.recovered_s is None else one.recovered_s)


def window_unnoticed(spec_at: Callable[[float], WindowSpec]) -> Callable[[Series, Sequence[Sample]], str]:
    """Return the control of a window: a part that is turned bad must break it."""

    def why(one: Series, samples: Sequence[Sample]) -> str:
        spec = spec_at(one.rate_hz)
        bad = turned_bad(samples, duration_s=spec.duration_s, rate_hz=one.rate_hz)
        found = judge_without_prober_lag(
            bad, spec, start_s=0, now_s=spec.duration_s, rate_hz=one.rate_hz, settled_s=spec.duration_s
        )
        return "" if found.state is WindowState.BROKEN else str(found)

    return why


def by_part(samples: Iterable[Sample], series: Iterable[Series]) -> dict[str, tuple[Sample, ...]]:
    """Return the samples of each part that is asked."""
    samples = tuple(samples)
    return {one.part: tuple(s for s in samples if s.journey in one.journeys) for one in series if one.journeys}


def _value(verdict: Window) -> float:
    return -math.inf if verdict.value is None else verdict.value


def _is_of(part: str, site: str) -> bool:
    return part == FRONT_END or (part == ROWS) == (site == "supabase")


def _why_not_asked(part: str, config: ProbeConfig, *, reads: bool) -> str:
    if not reads:
        return f"the product's contract has no read that a user's request takes there ([operations] {', '.join(READS)})"
    if part != FRONT_END and config.sign_in is None:
        return 'nothing that users read is asked without a test account (abilities: "test_account")'
    return "everything that asks it has the weight 0 ([probing.weights])"


HISTORY, EXPENSES, PROFILE, SETTINGS, CHAT = "history", "expenses", "profile", "settings", "chat"
_READ = {HISTORY: "limit=20", EXPENSES: "limit=20", PROFILE: "", SETTINGS: ""}
"""What an account reads, and the query that keeps the answer short."""


@dataclass(frozen=True)
class Request:
    """One request, below ``part``: ``frontend``, ``api``, ``backend`` or ``supabase``. ``path`` has its query in it."""

    name: str
    part: Site
    path: str
    expect: Expect
    method: str = "GET"
    body: dict[str, Any] | None = None
    signed_in: bool = False
    owner: str = ""
    """The key of the answer, or of each of its rows, that holds the id of the account whose it is; empty: nothing says."""


def front_page(environment: Environment) -> Request:
    """The site, with all that belongs to its page."""
    return Request(FRONT_PAGE, "frontend", environment.pages.home, Expect(content_type="text/html", site=True))


def back_end_health(environment: Environment) -> Request:
    """As the product's contract says that it is healthy."""
    backend = environment.contract.health[BACKEND]
    return Request(HEALTH_JOURNEY, backend.site or "backend", backend.address, healthy(backend))


def read_by_the_account(environment: Environment, *names: str) -> Iterator[Request]:
    """What the test account looks at, of these names; what has no endpoint here is left out."""
    for name in names:
        done = environment.contract.operation(name)
        if done.address:
            query = f"{'&' if '?' in done.address else '?'}{_READ[name]}" if _READ[name] else ""
            expect = Expect(content_type=JSON, good=done.good)
            path, body = done.address + query, done.body_with("")
            yield Request(name, done.site, path, expect, done.method, body, signed_in=True, owner=done.owner)


def login(environment: Environment, email: str, password: str) -> Request:
    """One sign-in."""
    sign_in, body = environment.contract.sign_in, {"email": email, "password": password}
    return Request(LOGIN_JOURNEY, sign_in.site, sign_in.address, Expect(json_keys=("access_token",)), "POST", body)


def chat(environment: Environment, mark: str) -> Request:
    """One question to PAM, which stays in the account's own history. ``mark`` tells the questions apart."""
    done = environment.contract.operation(CHAT)
    expect = Expect(chat=environment.chat_intent, good=environment.chat_good)
    body = done.body_with(f"Where can I stop for the night? ({mark})")
    return Request(CHAT, done.site, done.address, expect, done.method, body, signed_in=True)


_TURNS = 3
"""Of each part in a round: at one probe a second each part has 180 answers in the 15 minutes of SC-1, which needs 150."""


def probe_config(environment: Environment, *, run: str) -> ProbeConfig:
    """The prober of this environment.

    Without a test account there is nothing but the front page (asked for past caches and through them) and the health
    endpoint to see, and all of them count.
    """
    weights = usual_weights(environment.contract)
    weights |= {str(name): weight for name, weight in environment.probing.weights.items()}
    signed_in = "test_account" in environment.abilities
    usual = [*_of_everybody(environment), *(_of_the_account(environment) if signed_in else ())]
    # A journey that is weighed 0 takes no turn; sign-in and chat have no weight of their own.
    asked = [(journey, weights.get(journey.name, 0)) for journey in usual]
    return ProbeConfig(
        journeys=tuple(journey.model_copy(update={"weight": weight}) for journey, weight in asked if weight),
        rate_hz=environment.probing.rate_hz,
        timeout_s=environment.probing.timeout_s,
        sign_in=sign_in_of(environment) if signed_in else None,
        run=run,
    )


def sign_in_of(environment: Environment) -> SignIn:
    """How the environment's own test account signs in. Raises ConfigurationError where it has none."""
    return SignIn(
        url=environment.sign_in_url,
        email=environment.secret("test_user_email"),
        password=environment.secret("test_user_password"),
        headers=environment.sign_in_headers,
        part=part_of("", environment.contract.sign_in.site),
    )


def usual_weights(contract: Contract) -> dict[str, int]:
    """Return how often each journey takes its turn where the environment says nothing else, as many turns for each part."""
    found = {FRONT_PAGE: 1, CACHED_FRONT_PAGE: 2, HEALTH_JOURNEY: _TURNS}
    reads = [name for name in READS if contract.operation(name).address]
    for at_supabase in (False, True):
        own = [name for name in reads if (contract.operation(name).site == "supabase") is at_supabase]
        if own and not at_supabase:
            found[BROWSER_JOURNEY] = _TURNS
        found |= {name: max(1, _TURNS - len(own) + 1) if name == own[0] else 1 for name in own}
    return found


def _of_everybody(environment: Environment) -> Iterator[Journey]:
    for name in PAGES:
        cached = name == CACHED_FRONT_PAGE
        yield _journey(environment, replace(front_page(environment), name=name), cached=cached, as_browser=cached)
    yield _journey(environment, back_end_health(environment))


def _of_the_account(environment: Environment) -> Iterator[Journey]:
    """As the test account. All but the chat only read; what is asked there stays in the account's own history."""
    reads = list(read_by_the_account(environment, PROFILE, SETTINGS, HISTORY, EXPENSES))
    for read in reads:
        # Supabase takes a parameter that it does not know for a column.
        yield _journey(environment, read, cached=read.part == "supabase")
    of_the_back_end = [read for read in reads if read.part != "supabase"]
    if of_the_back_end:
        yield _journey(environment, replace(of_the_back_end[0], name=BROWSER_JOURNEY), cached=True, as_browser=True)
    sign_in = sign_in_of(environment)
    yield _journey(environment, login(environment, sign_in.email, sign_in.password))
    yield _journey(environment, chat(environment, "{probe_id}"))


def _journey(environment: Environment, asked: Request, *, cached: bool = False, as_browser: bool = False) -> Journey:
    return Journey(
        name=asked.name,
        url=f"{getattr(environment.urls, asked.part)}{asked.path}",
        method=asked.method,
        headers=environment.headers_at(asked.part),
        body=asked.body,
        expect=asked.expect,
        signed_in=asked.signed_in,
        cached=cached,
        part=part_of(asked.name, asked.part),
        as_browser_of=environment.urls.frontend if as_browser else "",
        owner=asked.owner,
    )


def slowest_part_hz(environment: Environment) -> float:
    """Return how many probes a second the part has that is asked least; 0 where nothing could be asked."""
    try:
        config = probe_config(environment, run="told")
    except ConfigurationError:
        return 0.0  # whoever needs it says what is missing
    return min(one.rate_hz for one in series_of(environment, config) if one.journeys)
