"""PM-8, PM-11, schedules, tokens, links, contacts and waivers: whether what a rollback stands on is kept up."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pam_rollback.observation.rules.samples import Sample
from pam_rollback.readiness.rules.finding import Finding
from pam_rollback.readiness.rules.on_call import is_named

_SWITCHED_OFF = {
    "disabled_inactivity": "GitHub switched it off, since nothing happened in the repository for 60 days",
    "disabled_manually": "somebody switched it off",
    "disabled_fork": "it does not run in a fork",
    "deleted": "its file is gone",
}
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_READ_IT = "Read it against the product, then set [about] reviewed_on in plan.toml"
_GONE = frozenset({404, 410})
_ERROR = 500
EXCHANGED = "PM-4"
EXCHANGE = "answers while a release was exchanged"
"""What was measured, in the records of runs that tried it."""


def watched(last_s: float | None, *, now_s: float, age_s_max: float) -> Finding:
    """Whether the watch looked lately; ``last_s`` is when it last saw something, None where it never did."""
    what = "the watch of this environment"
    if last_s is None:
        return Finding(
            what, broken=("no watch that saw anything is on record: nobody looks",), advice="Start it: pytest -m watch"
        )
    age_s = now_s - last_s
    if age_s < 0:
        return Finding(what, unknown=(f"its newest line is {-age_s:.0f} s in the future: set the clocks",))
    words = f"it last looked {age_s / 60:.0f} min ago"
    if age_s > age_s_max:
        return Finding(what, broken=(f"{words} (at most {age_s_max / 60:.0f} min)",), advice="Start it again")
    return Finding(what, (words,))


def runbook_kept(
    text: str, anchors: Mapping[str, str], *, reviewed_on: date | None, review_after_d: int, today: date
) -> Finding:
    """Whether the runbook has a page for each item (``anchors``: ids and pages) and was reviewed in time."""
    what, pages = "the runbook", set(_ANCHOR.findall(text))
    missing = sorted(item for item, anchor in anchors.items() if anchor not in pages)
    broken = [f"no page for {', '.join(missing)}"] if missing else []
    if reviewed_on is None:
        unread = f"nobody has written down when it was read against the product. {_READ_IT}"
        return Finding(what, broken=(*broken,), unknown=(unread,), advice=_READ_IT)
    due = reviewed_on + timedelta(days=review_after_d)
    if reviewed_on > today:
        broken.append(f"reviewed on {reviewed_on}, which is in the future")
    elif today > due:
        broken.append(f"reviewed on {reviewed_on}, and again due on {due}")
    if broken:
        return Finding(what, broken=(*broken,), advice=_READ_IT)
    return Finding(what, (f"{len(set(anchors.values()))} pages, reviewed on {reviewed_on}, due on {due}",))


def workflows(states: Mapping[str, str]) -> Finding:
    """Whether each workflow of the repository still runs."""
    return Finding(
        "workflows at GitHub",
        tuple(name for name, state in states.items() if state == "active"),
        tuple(f"{name}: {_SWITCHED_OFF[state]}" for name, state in states.items() if state in _SWITCHED_OFF),
        tuple(
            f"{name}: the state {state!r} is not known"
            for name, state in states.items()
            if state != "active" and state not in _SWITCHED_OFF
        ),
        advice="Switch it on again: gh workflow enable",
    )


@dataclass(frozen=True)
class Token:
    """What is known of a token. ``valid`` is None where nobody could tell; ``ends`` where it says no day."""

    name: str
    valid: bool | None
    ends: datetime | None = None
    words: str = ""


def tokens(known: Iterable[Token], *, now: datetime, left_d_min: float) -> Finding:
    """Whether each is taken, and for long enough."""
    holds: list[str] = []
    broken: list[str] = []
    unknown: list[str] = []
    for token in known:
        left_d = None if token.ends is None else (token.ends - now).total_seconds() / 86_400
        if left_d is not None and left_d <= 0:
            broken.append(f"{token.name} ended on {token.ends:%Y-%m-%d}")
        elif token.valid is False:
            broken.append(f"{token.name} is not taken{token.words and f' ({token.words})'}")
        elif left_d is not None and left_d < left_d_min:
            broken.append(f"{token.name} ends on {token.ends:%Y-%m-%d}, in {left_d:.0f} d (at least {left_d_min:g} d)")
        elif token.valid is None:
            unknown.append(f"{token.name}: {token.words or 'nobody could tell'}")
        else:
            holds.append(f"{token.name}" + (f" until {token.ends:%Y-%m-%d}" if token.ends else ", no end is told"))
    return Finding("tokens", (*holds,), (*broken,), (*unknown,), advice="Make a new one, and set its variable")


def links(answers: Mapping[str, int | str]) -> Finding:
    """Whether each address still leads somewhere: the status that it answered, or why none came."""
    gone = {url: status for url, status in answers.items() if isinstance(status, int) and status in _GONE}
    ill = {url: status for url, status in answers.items() if isinstance(status, int) and status >= _ERROR}
    silent = {url: why for url, why in answers.items() if isinstance(why, str)}
    bad = {**gone, **ill, **silent}
    return Finding(
        "links of the plan",
        tuple(url for url in answers if url not in bad),
        tuple(f"{url} answers {what}" if isinstance(what, int) else f"{url}: {what}" for url, what in bad.items()),
    )


def contacts(
    wanted: Mapping[str, str], people: Mapping[str, Collection[str]], refused: Mapping[str, str], *, absent: str = ""
) -> Finding:
    """Whether somebody answers each contact, and mail for it is taken. ``refused``: addresses, and why they are not."""
    holds: list[str] = []
    broken: list[str] = []
    for contact, address in wanted.items():
        named = people.get(contact, ())
        there = [one for one in named if not is_named(absent, one)]
        if not named:
            broken.append(f"{contact}: nobody is named in [readiness.people]")
        elif not there:
            broken.append(f"{contact}: without {absent} nobody answers")
        elif address in refused:
            broken.append(f"{contact}: {refused[address]}")
        else:
            holds.append(f"{contact}: {', '.join(there)}")
    return Finding("contacts", (*holds,), (*broken,))


@dataclass(frozen=True)
class Accepted:
    """A waiver as the environment has it."""

    item: str
    until: date
    by: str
    provisional: bool


def waivers(known: Iterable[Accepted], *, today: date) -> Finding:
    """Whether somebody answers for each, and it has not ended. No waiver at all is fine."""
    holds: list[str] = []
    broken: list[str] = []
    for one in known:
        if one.provisional:
            broken.append(f"{one.item}: nobody has accepted it ({one.by})")
        elif one.until < today:
            broken.append(f"{one.item}: it ended on {one.until}")
        else:
            holds.append(f"{one.item} until {one.until}, by {one.by}")
    return Finding(
        "waivers",
        (*holds,) or ("there are none",),
        (*broken,),
        advice="Have somebody accept each by name, or take it out",
    )


@dataclass(frozen=True)
class Exchanged:
    """Two releases changed places while users were asked for."""

    answers: int
    bad: int
    late: int
    """Probes that say nothing, since the prober was late or blocked."""
    first: str = ""


def seen_in(samples: Iterable[Sample]) -> Exchanged:
    """What users were answered meanwhile. A slow answer is no gap: how fast it is, other criteria ask."""
    known = [*samples]
    measured = [one for one in known if one.measured()]
    bad = [one for one in measured if not one.ok]
    first = f"{bad[0].journey}: {bad[0].why}" if bad else ""
    return Exchanged(len(measured), len(bad), len(known) - len(measured), first)


def exchanged(seen: Exchanged, *, answers_min: int) -> Finding:
    """Whether no user noticed. Too few answers say nothing."""
    what = EXCHANGE
    if seen.bad:
        return Finding(what, broken=(f"{seen.bad} of {seen.answers} were bad, the first: {seen.first}",))
    if seen.late or seen.answers < answers_min:
        return Finding(what, unknown=(f"{seen.answers} answers of at least {answers_min}, {seen.late} of them void",))
    return Finding(what, (f"0 of {seen.answers} were bad",))


def exchanged_before(runs: Iterable[tuple[str, bool, float]], *, age_d_max: float) -> Finding:
    """Where it is not tried: what the newest record says. ``runs``: words, whether it was good, and the age in days.

    One that a clock dates into the future is not known to be young.
    """
    what = "the newest exchange of releases on record"
    newest = min((one for one in runs if one[2] >= 0), key=lambda one: one[2], default=None)
    if newest is None:
        return Finding(what, broken=("there is none",), advice="On staging: pytest -m readiness, with exchange = true")
    words, good, age_d = newest
    if not good or age_d > age_d_max:
        return Finding(what, broken=(f"{words}: {'bad' if not good else 'good'}, {age_d:.0f} d ago",))
    return Finding(what, (f"{words}, {age_d:.0f} d ago",))
