"""The draft of a post-mortem: facts with their sources, and headings for what only people can judge."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pam_rollback.base.run_files import JOURNAL, TIMELINE_FILE
from pam_rollback.plan.postmortem_lines import FINISHED, ROOT_CAUSE_FOUND, TO_FILL
from pam_rollback.postmortem.rules.facts import Facts
from pam_rollback.postmortem.rules.timeline import BEGINS, Event
from pam_rollback.report.run_record import Measured, Result
from pam_rollback.report.verdict import Outcome

_NOT_MEASURED = Measured(what="", asked="", measured=None)
_MOMENT = "reported"
"""What is asked of the moments of an incident, which have a table of their own."""
_JUDGEMENT = (
    ("Summary", "Two or three sentences for somebody who was not there."),
    ("Root cause", "Code, configuration or surroundings? What made it possible, and what let it through?"),
    ("What went well", ""),
    ("What went badly", ""),
    ("Where we were lucky", ""),
)


def draft(facts: Facts) -> str:
    """The whole page, as Markdown."""
    return "\n".join(_lines(facts)).rstrip() + "\n"


def utc(moment: datetime) -> str:
    """A moment as the page and the tables have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def timeline_page(events: Iterable[Event]) -> str:
    """The merged timeline as a table; times in UTC."""
    rows = [(utc(event.at), event.kind, event.what, event.source) for event in events]
    return "\n".join(["# Timeline (UTC)", "", *_table(("at", "who", "what", "source"), rows)]) + "\n"


def checks_page(results: Sequence[Result]) -> str:
    """What the checks saw, worst first."""
    ordered = sorted(results, key=lambda result: (result.outcome is Outcome.PASSED, result.nodeid))
    rows = [
        (
            result.outcome.value,
            ", ".join(result.criteria),
            result.title,
            result.message or "; ".join(f"{one.what} {_figure(one)}".strip() for one in result.measured),
        )
        for result in ordered
    ]
    return "\n".join(["# Checks and what they saw", "", *_table(("outcome", "items", "check", "saw"), rows)]) + "\n"


def _lines(facts: Facts) -> Iterable[str]:
    yield f"# Post-mortem (draft): {facts.environment}, run {facts.run}"
    yield ""
    yield "Facts are filled in, each with the file that says so; times are UTC. What is judgement is left to people."
    yield from ("", f"{ROOT_CAUSE_FOUND}: {TO_FILL}", "", f"{FINISHED}: {TO_FILL}", "")
    for heading, question in _JUDGEMENT[:1]:
        yield from _open(heading, question)
    yield from _what_happened(facts)
    yield from _moments(facts)
    yield from _objectives(facts)
    yield from _users(facts)
    yield from _done(facts)
    yield from _changed(facts)
    yield from _checks(facts)
    for heading, question in _JUDGEMENT[1:]:
        yield from _open(heading, question)
    to_dos = [(what, steps, "", until) for what, steps, until in facts.to_dos]
    head = ("what", "prevents, finds or mends", "who", "until (UTC)")
    yield from ("## Actions", "", *_table(head, [*to_dos, ("", "", "", "")]), "")
    yield from _material(facts)


def _open(heading: str, question: str) -> Iterable[str]:
    yield from (f"## {heading}", "")
    yield from (f"{question} {TO_FILL}".strip(), "")


def _what_happened(facts: Facts) -> Iterable[str]:
    yield from ("## What happened", "")
    rows = [("environment", f"{facts.environment} {facts.host}", "run.json" if facts.record else JOURNAL)]
    if facts.action is not None:
        action = facts.action
        rows += [
            ("reason given", action.reason, action.source),
            ("decided by", action.initiated_by, action.source),
            ("strategy", f"{action.strategy} ({action.mode})", action.source),
            *(("target", target, action.source) for target in action.targets),
        ]
    else:
        rows.append(("strategy", "no rollback was begun in this run", JOURNAL))
    if facts.issue:
        rows.append(("incident", facts.issue, JOURNAL))
    if facts.released:
        rows.append(("releases", facts.released, JOURNAL))
    if facts.record is not None:
        rows.append(("verdict", f"{facts.record.verdict} (exit code {facts.record.exit_code})", "run.json"))
        rows += [("because", reason, "run.json") for reason in facts.record.reasons]
    else:
        rows.append(("verdict", f"none: {facts.no_record}", "-"))
    yield from (*_table(("what", "", "source"), rows), "")


def _moments(facts: Facts) -> Iterable[str]:
    yield from ("## When", "")
    rows = [
        (
            moment.name,
            utc(moment.at) if moment.at else "not known",
            f"± {moment.uncertain_s:.2f} s" if moment.at and moment.uncertain_s is not None else "",
            moment.definition,
            moment.source,
        )
        for moment in facts.moments
    ]
    yield from (*_table(("moment", "UTC", "exactly", "definition", "source"), rows), "")
    yield from ("Everything, merged: [timeline.md](timeline.md), [timeline.csv](timeline.csv).", "")


def _objectives(facts: Facts) -> Iterable[str]:
    yield from ("## Objectives", "")
    rows = [
        (
            " ".join(result.criteria),
            one.what,
            one.asked,
            _figure(one),
            result.outcome.value,
            facts.results_source,
        )
        for result in facts.results
        if any(name.startswith(("RTO-", "RPO-")) for name in result.criteria)
        and facts.situation in {"", result.situation}
        for one in result.measured or (_NOT_MEASURED,)
        if one.asked != _MOMENT
    ]
    if not rows:
        why = facts.no_record or "no test of this run judged RTO or RPO, or none was measured"
        yield from (f"Recovery time and data loss against the plan: not known ({why}).", "")
        return
    yield from (*_table(("item", "what", "asked", "measured", "outcome", "source"), rows), "")


def _users(facts: Facts) -> Iterable[str]:
    yield from ("## What users saw", "")
    if not facts.users:
        yield from (f"Not known from this run: {facts.users_when}.", "")
        return
    rows = [(name, str(bad), str(n), f"{100 * bad / n:.1f} %", TIMELINE_FILE) for name, bad, n in facts.users]
    yield f"By our prober, {facts.users_when}; users' own numbers are in the metrics."
    yield from ("", *_table(("journey", "bad", "answers", "share", "source"), rows), "")


def _done(facts: Facts) -> Iterable[str]:
    yield from ("## What was done", "")
    steps = [
        event
        for event in facts.events
        if event.kind in {"decision", "step"} and not event.what.startswith(BEGINS) and event.source == JOURNAL
    ]
    if not steps and not facts.unfinished:
        yield from ("Nothing, by the journal.", "")
        return
    yield from (*_table(("at", "what", "source"), [(utc(one.at), one.what, one.source) for one in steps]), "")
    for step in facts.unfinished:
        yield f"- **begun, and its end is not known** (the session was killed): {step} ({JOURNAL})"
    told = [event for event in facts.events if event.kind == "told"]
    if told:
        words = "; ".join(f"{utc(event.at)} {event.what.partition(':')[0]}" for event in told)
        yield from ("", f"People were told: {words}. What was said is in [timeline.md](timeline.md).")
    yield ""


def _changed(facts: Facts) -> Iterable[str]:
    yield from ("## What was different", "")
    if facts.changes:
        yield "Commits of the bad release that the target does not have ([git/log.txt](git/log.txt)):"
        yield from ("", *(f"- `{line}`" for line in facts.changes), "")
    else:
        yield from ("Code: not collected, or no difference; see the material below.", "")
    if facts.flags:
        yield from (*_table(("flag", "before", "after"), facts.flags), "")
    else:
        yield from ("Flags: none is known to have changed; see the material below.", "")


def _checks(facts: Facts) -> Iterable[str]:
    yield from ("## What the checks saw", "")
    results = facts.results
    if not results:
        yield from (f"Not known: {facts.no_record or 'no test was reached'}.", "")
        return
    if facts.record is None:
        yield from (f"The session did not end ({facts.no_record}): these are the tests that it had finished.", "")
    good = sum(result.outcome is Outcome.PASSED for result in results)
    yield f"{good} of {len(results)} passed ([checks.md](checks.md)). Not green:"
    rows = [
        (result.outcome.value, ", ".join(result.criteria), result.title, result.message)
        for result in results
        if result.outcome is not Outcome.PASSED
    ]
    yield from ("", *(_table(("outcome", "items", "check", "saw"), rows) if rows else ("- none",)), "")


def _material(facts: Facts) -> Iterable[str]:
    yield from ("## Material", "")
    for source in facts.collected:
        if source.files:
            links = ", ".join(f"[{name}]({name})" for name in source.files)
            yield f"- {source.name}: {links}" + (f" (not whole: {source.problem})" if source.problem else "")
    missing = [source for source in facts.collected if source.problem and not source.files]
    yield from ("", "Not collected:", "")
    yield from (f"- {source.name}: {source.problem}" for source in missing)
    if not missing:
        yield "- nothing is missing"


def _figure(one: Measured) -> str:
    if one.measured is None:
        return "not measured"
    number = f"{one.measured:.4g}" if isinstance(one.measured, float) else str(one.measured)
    return f"{number} {one.unit}".strip() + (f" ({one.proviso})" if one.proviso else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
