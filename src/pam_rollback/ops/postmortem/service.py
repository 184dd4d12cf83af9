"""From the folder of a run, whole or cut short by a kill, to the draft of its post-mortem. Nothing in it is taken for granted."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.run_files import FINISHED, JOURNAL, RECOVERY_FILE, ROOT_CAUSE_FOUND, TIMELINE_FILE, TO_FILL
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import all_at_once
from pam_rollback.ops.postmortem import rules
from pam_rollback.ops.postmortem.rules import Entry, Event
from pam_rollback.plan.plan import Plan
from pam_rollback.probe.journeys import HEALTH_JOURNEY, PAGES
from pam_rollback.probe.recovery import BAD_SECOND_PCT, OutageRule, find_outages
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.timeline import Anchor, Timeline
from pam_rollback.report import wording
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import Measured, Result, RunRecord, UnreadableRecord, read
from pam_rollback.report.sections import to_dos
from pam_rollback.report.verdict import Outcome
from pam_rollback.rollback.journal import TARGET, TRACKED, Journal
from pam_rollback.rollback.provider_access import api_host, site_host
from pam_rollback.target.environment import Environment
from pam_rollback.target.hosts import HostedSite

DEPLOYS_FILE = "deploys.json"
_DEADLINE_S = 5.0
Kept = Mapping[str, Sequence[Mapping[str, Any]] | str]
"""By host, what it remembers; or why it told nothing."""


def keep_deploys(environment: Environment, file: Path) -> None:
    """Ask each host at once and write what it tells, without secrets. Raises OSError."""
    calls = {
        named.provider: _asking(site, environment)
        for site in get_args(HostedSite)
        if f"{site}_host" in environment.abilities and (named := environment.host_of(site)) is not None
    }
    text = json.dumps(all_at_once(calls) if calls else {}, indent=2, default=str, ensure_ascii=False)
    file.write_text(f"{Redactor(environment.secrets()).text(text)}\n", encoding="utf-8")


def deploys_kept(file: Path) -> Kept:
    """What was kept; a file that is not there, or half written, says so."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {str(host): told if isinstance(told, str) else [*told] for host, told in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {"hosts": "their deploys were not kept at the end of this run"}


def _asking(site: HostedSite, environment: Environment) -> Callable[[], list[dict[str, Any]] | str]:
    def answer() -> list[dict[str, Any]] | str:
        try:
            ask = site_host if site == "frontend" else api_host
            return [asdict(deploy) for deploy in ask(environment, Waiter(), once_s=_DEADLINE_S).deploys()]
        except (ActionFailed, MeasurementFailed) as problem:
            return str(problem)
        except Exception as problem:  # noqa: BLE001 - whatever keeps one host from telling must not keep the other
            return f"{type(problem).__name__}: {problem}"

    return answer


SLOW_MS = 500.0
"""Where the environment's own figure is not known any more."""
_MOMENTS = ("onset", "detection", "decision", "first step", "mitigated", "confirmed")
_BEFORE, _AFTER = timedelta(minutes=15), timedelta(minutes=1)


@dataclass(frozen=True)
class Watched:
    """What the prober of one situation recorded."""

    source: str
    samples: tuple[Sample, ...]
    anchor: Anchor


@dataclass(frozen=True)
class Run:
    """The folder of one run, as far as it can be read."""

    folder: Path
    record: RunRecord | None
    no_record: str
    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()
    watched: Mapping[str, Watched] = field(default_factory=dict)
    """By situation."""

    @property
    def id(self) -> str:
        """The run's name."""
        return self.record.run_id if self.record else self._said("run", self.folder.name)

    @property
    def environment(self) -> str:
        """The name of its environment; empty when nothing says so."""
        return self.record.environment.name if self.record else self._said("environment", "")

    @property
    def issue(self) -> str:
        """Where its incident is in the tracker; empty where it is in none."""
        return next((str(one.get("url", "")) for one in reversed(self.entries) if one["event"] == TRACKED), "")

    @property
    def situation(self) -> str:
        """That of the incident: after the rollback, else what was watched, else empty. Raises MeasurementFailed for several."""
        acted = dict.fromkeys(f"after-{entry['strategy']}" for entry in self.entries if entry["event"] == "action")
        if len(acted) > 1:
            raise MeasurementFailed(
                f"{self.folder}: expected the folder of one rollback, found {', '.join(acted)}; a post-mortem is about one: roll back "
                "in sessions of their own, as make drills does"
            )
        return next(iter(acted or self.watched), "")

    def _said(self, key: str, otherwise: str) -> str:
        said = (entry.get(key) for entry in self.entries if entry["event"] in {"action", "planting"})
        return str(next(filter(None, said), otherwise))


def read_run(folder: Path) -> Run:
    """Read whatever there is. Raises MeasurementFailed when the folder is no run's."""
    record, no_record = None, ""
    try:
        record = read(folder / "run.json")
    except FileNotFoundError:
        no_record = "the session ended before it wrote run.json"
    except UnreadableRecord as problem:
        no_record = f"run.json cannot be read: {str(problem).splitlines()[0]}"
    entries: list[Entry] = []
    problems: list[str] = []
    try:
        entries += Journal(folder / JOURNAL).entries()
    except (OSError, ValueError) as problem:
        problems.append(f"{JOURNAL} cannot be read: {problem}")
    watched = {}
    for path in sorted(folder.glob(f"*/{TIMELINE_FILE}")):
        name = f"{path.parent.name}/{TIMELINE_FILE}"
        try:
            told = Timeline(path)
            journeys = [journey for journey in told.header.journeys if journey != HEALTH_JOURNEY]
            of_users = journeys if set(journeys) - set(PAGES) else list(told.header.journeys)
            watched[path.parent.name] = Watched(name, told.samples(None, None, *of_users), told.anchor)
        except MeasurementFailed as problem:
            problems.append(f"answers to users ({name}): {problem}")
    if not (record or entries or watched):
        raise MeasurementFailed(
            f"{folder}: expected the folder of a run (run.json, {JOURNAL}, or what its prober recorded), found none of it; "
            "name the run's id or folder with RUN"
        )
    return Run(folder, record, no_record, tuple(entries), tuple(problems), watched)


@dataclass(frozen=True)
class Incident:
    """One incident of a run."""

    run: Run
    plan: Plan | None = None
    """None when there is none that can be used: then the draft names no dates."""
    slow_ms: float = SLOW_MS

    @property
    def watched(self) -> Watched | None:
        """What users were answered; of a resumed run, by its first session."""
        return self.run.watched.get(self.run.situation)

    def draft(self) -> str:
        """The whole page, as Markdown: facts with their sources, and headings for what only people can judge."""
        templates = Templates(  # noqa: S701 - Markdown
            loader=FileSystemLoader(Path(__file__).parent),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.filters |= {"utc": utc, "cell": cell, "figure": figure}
        kept = deploys_kept(self.run.folder / DEPLOYS_FILE)
        ended = [datetime.fromisoformat(str(one["at"])) for one in self.run.entries if one["event"] == "step-done"]
        return templates.get_template("draft.md.j2").render(
            run=self.run,
            decided=next((entry for entry in self.run.entries if entry["event"] == "action"), None),
            targets=[rules.words_of_target(entry) for entry in self.run.entries if entry["event"] == TARGET],
            moments=list(self._moments()),
            results=self.results,
            objectives=list(self._objectives()),
            users=self._users(),
            events=self._events(kept),
            unfinished=rules.unfinished(self.run.entries),
            to_dos=[] if self.plan is None else list(to_dos(self.plan, max(ended, default=None))),
            missing=self.missing(kept),
            passed=Outcome.PASSED,
            to_fill=TO_FILL,
            finished=FINISHED,
            root_cause_found=ROOT_CAUSE_FOUND,
            journal=JOURNAL,
            begins=rules.BEGINS,
        )

    def missing(self, kept: Kept) -> list[str]:
        """What the records do not say, so that nobody takes it for nothing."""
        found = [self.run.no_record, *self.run.problems]
        if self.watched is None:
            found.append(f"no answers to users were recorded for {self.run.situation or 'this run'}")
        if self.run.record is not None and not self.results:
            found.append(f"no test judged {self.run.situation}")
        return [*filter(None, found), *(f"{host}: {told}" for host, told in kept.items() if isinstance(told, str))]

    def _moments(self) -> Iterator[tuple[str, datetime | None, str, str, str]]:
        """Name, moment, how exactly, definition and source: as the session told them; of one that was killed, by its journal."""
        watched, file = self.watched, self.run.folder / self.run.situation / RECOVERY_FILE
        with suppress(OSError, ValueError, KeyError, TypeError):
            if watched is not None:
                told = json.loads(file.read_text(encoding="utf-8"))["moments"]
                yield from [_told(moment, watched.anchor, f"{self.run.situation}/{RECOVERY_FILE}") for moment in told]
                return
        events = list(rules.of_journal(self.run.entries))
        begins = {"decision": "decided:", "first step": rules.BEGINS}
        for name in _MOMENTS:
            words = begins.get(name)
            at = next((event.at for event in events if words and event.what.startswith(words)), None)
            yield (
                name,
                at,
                "",
                "by the journal" if words else "not in the records of this run",
                JOURNAL if words else "-",
            )

    @property
    def results(self) -> tuple[Result, ...]:
        """What its tests said."""
        found = self.run.record.results if self.run.record else ()
        return tuple(result for result in found if result.situation == self.run.situation) or found

    def _objectives(self) -> Iterator[tuple[Result, Measured]]:
        """What was measured of recovery time and data loss; moments have a table of their own."""
        for result in self.results:
            if any(name.startswith(("RTO-", "RPO-")) for name in result.criteria):
                measured = result.measured or (Measured(what="", asked="", measured=None),)
                yield from ((result, one) for one in measured if one.asked != "reported")

    def _users(self) -> list[tuple[str, int, int]]:
        watched = self.watched
        return [] if watched is None else rules.bad_by_journey(watched.samples, slow_ms=self.slow_ms)

    def _events(self, kept: Mapping[str, Any]) -> list[Event]:
        """Everything, in order of time."""
        found = [*rules.of_journal(self.run.entries)]
        watched = self.watched
        if watched is not None:
            found += rules.of_releases(watched.samples, watched.anchor.wall, watched.source)
            with suppress(MeasurementFailed):  # not one usable sample
                rule = OutageRule(limit_pct=BAD_SECOND_PCT, slow_ms=self.slow_ms)
                outages, _ = find_outages(watched.samples, rule)
                found += rules.of_outages(outages, watched.anchor.wall, watched.source)
        if found:
            since, until = min(found).at - _BEFORE, max(found).at + _AFTER
            deploys = {host: told for host, told in kept.items() if not isinstance(told, str)}
            found += rules.of_deploys(deploys, since, until, DEPLOYS_FILE)
        return sorted(found)


def utc(moment: datetime) -> str:
    """A moment as the page has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def cell(text: object) -> str:
    """A text as a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def figure(one: Measured) -> str:
    """A figure with its unit."""
    return "not measured" if one.measured is None else wording.found(one)


def _told(moment: Mapping[str, Any], anchor: Anchor, source: str) -> tuple[str, datetime | None, str, str, str]:
    at = None if moment["at_s"] is None else anchor.wall(float(moment["at_s"]))
    exactly = f"± {float(moment['uncertain_s']):.2f} s" if at else ""
    return str(moment["name"]), at, exactly, str(moment["definition"]), source
