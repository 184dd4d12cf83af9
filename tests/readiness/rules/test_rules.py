"""Each rule of readiness both ways: red by its fault, green on what is healthy, and never green by nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.readiness.rules import on_call, postmortems, releases, tonight, upkeep
from pam_rollback.readiness.rules.finding import Finding
from pam_rollback.readiness.rules.on_call import Shift
from pam_rollback.readiness.rules.postmortems import Document, RealRun
from pam_rollback.readiness.rules.releases import Ramp, Released, Stage
from pam_rollback.readiness.rules.upkeep import Accepted, Exchanged, Token

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TWO_HOURS_S = 7200.0
STEPS = (Stage(10, 110.0, TWO_HOURS_S), Stage(25, 8000.0, TWO_HOURS_S), Stage(100, 90_000.0))


def steps(*ramps: Ramp, now_s: float = 1e6) -> Finding:
    """PM-2 for one release at 100 s."""
    return releases.at_once([Released("abc", 100.0)], ramps, now_s=now_s, begins_within_s=600)


def first(*stages: Stage, adopted: bool = False) -> Finding:
    """PM-3 for one release at 100 s."""
    ramp = Ramp("abc", 105.0, stages, adopted=adopted)
    return releases.tried_first([Released("abc", 100.0)], [ramp], share_pct_max=10, hold_s_min=TWO_HOURS_S)


def test_nothing_known_is_never_ready() -> None:
    """Neither a finding without lines, nor one of which a part is not known."""
    for finding in (Finding("x"), Finding("x", ("a",), unknown=("b: why",))):
        with pytest.raises(MeasurementFailed, match="not known"):
            _ = finding.ready
    assert not Finding("x", ("a",), ("b",), ("c",)).ready


def test_a_release_without_a_ramp_went_to_everybody() -> None:
    """PM-2: in steps is good; no ramp, one of before, and a first step of 100 % are not; a fresh one may still wait."""
    assert steps(Ramp("abc", 105.0, STEPS)).ready
    assert steps(now_s=500).ready
    assert "had no ramp" in str(steps())
    assert "had no ramp" in str(steps(Ramp("old", 50.0, STEPS)))
    assert not steps(Ramp("abc", 105.0, (Stage(100, 110.0),))).ready


def test_a_ramp_belongs_to_one_release() -> None:
    """The ramp of the later of two does nothing for the earlier one."""
    both = [Released("abc", 100.0), Released("def", 200.0)]
    found = releases.at_once(both, [Ramp("def", 205.0, STEPS)], now_s=1e6, begins_within_s=600)

    assert not found.ready
    assert "abc" in found.broken[0]
    assert len(found.broken) == 1


def test_few_users_try_it_first() -> None:
    """PM-3: 10 % for two hours; not half of them, not for less, and not a ramp that was taken over. No ramp says nothing."""
    assert first(*STEPS).ready
    assert not first(Stage(50, 110.0, TWO_HOURS_S), Stage(100, 9e4)).ready
    assert not first(Stage(10, 110.0, 60.0), Stage(100, 9e4)).ready
    assert first(Stage(10, 110.0, 60.0)).ready  # it is still being watched
    assert not first(*STEPS, adopted=True).ready
    with pytest.raises(MeasurementFailed):
        _ = releases.tried_first([Released("abc", 100.0)], [], share_pct_max=10, hold_s_min=1).ready


def test_the_watch_is_alive() -> None:
    """PM-8: no record is not ready, and neither is an old one; one from the future is not known."""
    assert upkeep.watched(1000.0, now_s=1500, age_s_max=900).ready
    assert "nobody looks" in str(upkeep.watched(None, now_s=1500, age_s_max=900))
    assert not upkeep.watched(None, now_s=1500, age_s_max=900).ready
    assert not upkeep.watched(500.0, now_s=1500, age_s_max=900).ready
    with pytest.raises(MeasurementFailed, match="future"):
        _ = upkeep.watched(1600.0, now_s=1500, age_s_max=900).ready


@pytest.mark.parametrize(
    ("text", "reviewed_on", "words"),
    [
        ('<a id="a"></a>', date(2026, 11, 1), ""),
        ('<a id="b"></a>', date(2026, 11, 1), "no page for SC-1"),
        ('<a id="a"></a>', date(2026, 10, 27), "due on 2026-11-26"),
        ('<a id="a"></a>', date(2026, 11, 28), "in the future"),
    ],
    ids=["kept", "page missing", "not reviewed", "reviewed tomorrow"],
)
def test_the_runbook_is_kept(text: str, reviewed_on: date, words: str) -> None:
    """PM-11."""
    found = upkeep.runbook_kept(text, {"SC-1": "a"}, reviewed_on=reviewed_on, review_after_d=30, today=NOW.date())

    assert found.ready == (not words)
    assert words in str(found)


@pytest.mark.parametrize(("text", "known"), [('<a id="a"></a>', False), ("", True)], ids=["kept", "page missing"])
def test_a_runbook_that_nobody_read_is_not_kept(text: str, known: bool) -> None:  # noqa: FBT001 - a table
    """PM-11 stays open, and says what to do; a page that is missing is broken all the same."""
    found = upkeep.runbook_kept(text, {"SC-1": "a"}, reviewed_on=None, review_after_d=30, today=NOW.date())

    if known:
        assert not found.ready
    else:
        with pytest.raises(
            MeasurementFailed, match=r"nobody has written down .* set \[about\] reviewed_on in plan.toml"
        ):
            _ = found.ready


def cover(*shifts: Shift, absent: str = "") -> Finding:
    """PM-12 for one day."""
    return on_call.covered(shifts, since=NOW, until=NOW + DAY, absent=absent)


def test_each_hour_has_somebody() -> None:
    """PM-12: a gap at the beginning, between and at the end; nobody at all; and what is left without the absent one."""
    ada, ben = Shift("On call: Ada", NOW - HOUR, NOW + 12 * HOUR), Shift("Ben", NOW + 12 * HOUR, NOW + 2 * DAY)

    assert cover(ada, ben).ready
    assert not cover(ada).ready
    assert not cover(ben).ready
    assert not cover().ready
    assert "nobody from 2026-11-28 00:00 UTC to 2026-11-28 01:00" in str(
        cover(ada, Shift("Ben", NOW + 13 * HOUR, NOW + 2 * DAY))
    )
    assert not cover(ada, ben, absent="ada").ready
    assert cover(ada, ben, Shift("Eve", NOW, NOW + DAY), absent="ada").ready
    assert on_call.now_on_call([ada, ben], at=NOW) == ("On call: Ada",)
    assert on_call.now_on_call([ada, ben], at=NOW, absent="Ada") == ()


def written(text: str, *, ended: datetime, line: str = "finished") -> Finding:
    """PM-13 or RP-1 for one run; two days."""
    judge = postmortems.finished if line == "finished" else postmortems.cause_found
    return judge([RealRun("run-1", ended)], [Document("a.md", text)], now=NOW, within=2 * DAY)


@pytest.mark.parametrize(
    ("text", "ready"),
    [
        ("run-1\nFinished (UTC): 2026-11-21 12:00\n", True),
        ("run-1\nFinished (UTC): 2026-11-25 12:00\n", False),
        ("run-2\nFinished (UTC): 2026-11-21 12:00\n", False),
        ("run-1\nFinished (UTC): _For people to fill in._\n", False),
        ("run-1\nFinished (UTC): 2026-11-21 12:00\n## Root cause\n_For people to fill in._\n", False),
    ],
    ids=["in time", "late", "of another run", "a draft", "half filled in"],
)
def test_each_rollback_has_its_postmortem(text: str, *, ready: bool) -> None:
    """PM-13: of a rollback of a week ago; one of an hour ago has time."""
    assert written(text, ended=NOW - 7 * DAY).ready is ready
    assert written("", ended=NOW - HOUR).ready
    assert postmortems.finished([], [], now=NOW, within=DAY).ready


def test_each_root_cause_was_found_in_time() -> None:
    """RP-1: late is red; a moment that is none is not known."""
    assert written("run-1\nRoot cause found (UTC): 2026-11-21 12:00\n", ended=NOW - 7 * DAY, line="cause").ready
    assert not written("run-1\nRoot cause found (UTC): 2026-11-26 12:00\n", ended=NOW - 7 * DAY, line="cause").ready
    with pytest.raises(MeasurementFailed, match=r"a\.md"):
        _ = written("run-1\nRoot cause found (UTC): soon\n", ended=NOW - 7 * DAY, line="cause").ready


def test_a_schedule_that_github_switched_off_is_seen() -> None:
    """Also one that somebody switched off; a word that nobody knows is not known."""
    assert upkeep.workflows({"watch.yml": "active"}).ready
    assert "60 days" in str(upkeep.workflows({"watch.yml": "disabled_inactivity", "ci.yml": "active"}))
    assert not upkeep.workflows({"watch.yml": "disabled_manually"}).ready
    for states in ({"watch.yml": "asleep"}, {}):
        with pytest.raises(MeasurementFailed):
            _ = upkeep.workflows(states).ready


@pytest.mark.parametrize(
    ("token", "ready"),
    [
        (Token("a", valid=True), True),
        (Token("a", valid=True, ends=NOW + 30 * DAY), True),
        (Token("a", valid=True, ends=NOW + 3 * DAY), False),
        (Token("a", valid=None, ends=NOW - DAY), False),
        (Token("a", valid=False), False),
        (Token("a", valid=None, words="HTTP 503"), None),
    ],
    ids=["no end", "long", "soon", "ended", "not taken", "not known"],
)
def test_tokens_last(token: Token, *, ready: bool | None) -> None:
    """For as long as the environment asks."""
    found = upkeep.tokens([token], now=NOW, left_d_min=14)
    if ready is None:
        with pytest.raises(MeasurementFailed, match="503"):
            _ = found.ready
    else:
        assert found.ready is ready


def test_links_lead_somewhere() -> None:
    """A page that asks who we are is there; one that is gone, ill or silent is not."""
    assert upkeep.links({"https://a": 200, "https://b": 401, "https://c": 405, "https://d": 302}).ready
    for answer in (404, 410, 503, "no connection within 5 s"):
        assert not upkeep.links({"https://a": 200, "https://b": answer}).ready


def test_somebody_answers_each_contact() -> None:
    """Nobody named, only the absent one, and mail that nobody takes."""
    wanted, people = {"EC-1": "dev@example.com"}, {"EC-1": ["Ada", "Ben"]}

    assert upkeep.contacts(wanted, people, {}).ready
    assert upkeep.contacts(wanted, people, {}, absent="Ada").ready
    assert not upkeep.contacts(wanted, {"EC-1": ["Ada"]}, {}, absent="Ada").ready
    assert not upkeep.contacts(wanted, {}, {}).ready
    assert not upkeep.contacts(wanted, people, {"dev@example.com": "550 no such user"}).ready


def test_a_provisional_waiver_is_refused() -> None:
    """And one that has ended; none at all is fine."""
    good = Accepted("SC-3", date(2026, 12, 1), "Ada", provisional=False)

    assert upkeep.waivers([good], today=NOW.date()).ready
    assert upkeep.waivers([], today=NOW.date()).ready
    assert not upkeep.waivers(
        [Accepted("SC-3", date(2026, 12, 1), "provisional", provisional=True)], today=NOW.date()
    ).ready
    assert not upkeep.waivers([Accepted("SC-3", date(2026, 11, 26), "Ada", provisional=False)], today=NOW.date()).ready


def test_no_user_notices_an_exchange() -> None:
    """PM-4: one bad answer of all is one too many; few, or void ones, say nothing."""
    assert upkeep.exchanged(Exchanged(500, 0, 0), answers_min=100).ready
    assert not upkeep.exchanged(Exchanged(500, 1, 0, "HTTP 503"), answers_min=100).ready
    for seen in (Exchanged(50, 0, 0), Exchanged(500, 0, 3)):
        with pytest.raises(MeasurementFailed):
            _ = upkeep.exchanged(seen, answers_min=100).ready


def sample(*, ok: bool = True, lag_ms: float = 0.0) -> Sample:
    """An answer of the front page."""
    return Sample(1.0, 50.0, "front page", ok=ok, why="" if ok else "HTTP 502", lag_ms=lag_ms)


def test_an_exchange_is_what_the_prober_saw() -> None:
    """Bad and late probes are counted apart; where it is not tried, the newest record says how it was."""
    assert upkeep.seen_in([sample()] * 3) == Exchanged(3, 0, 0)
    assert upkeep.seen_in([sample(), sample(ok=False), sample(lag_ms=900)]) == Exchanged(
        2, 1, 1, "front page: HTTP 502"
    )
    assert upkeep.exchanged_before([("new", True, 2.0), ("old", False, 9.0)], age_d_max=30).ready
    assert not upkeep.exchanged_before([("new", False, 2.0), ("old", True, 9.0)], age_d_max=30).ready
    assert not upkeep.exchanged_before([("old", True, 31.0)], age_d_max=30).ready
    assert not upkeep.exchanged_before([], age_d_max=30).ready
    assert not upkeep.exchanged_before([("tomorrow's", True, -1.0), ("old", True, 31.0)], age_d_max=30).ready


def test_the_page_relies_on_what_is_known() -> None:
    """Ready and drilled lately; anything else is told beside its name."""

    def line(preflight: str, drilled_d: float | None) -> str:
        one = tonight.Strategy("backend", preflight, drilled_d, "2 d ago (staging)", "1 drill measured 90 s")
        return tonight.page([one], drill_age_d_max=30, on_call="Ada", others=["PM-8: nobody looks"])[0]

    assert line("yes, by the preflight of 3 h ago", 2).startswith("[x] backend")
    assert line("NOT READY, by the preflight of 3 h ago: the site is locked", 2).startswith("[!] backend")
    assert line("", 2).startswith("[ ] backend: no preflight")
    assert line("yes, by the preflight of 3 h ago", 40).startswith("[ ] backend")
    assert line("yes, by the preflight of 3 h ago", None).startswith("[ ] backend")
    assert tonight.page([], drill_age_d_max=30, on_call="", others=["x"]) == ["[ ] on call now: not known", "[!] x"]
