"""From the folder of a run to the facts of one incident."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import JOURNAL, RECOVERY_FILE, SETTINGS_FILE
from pam_rollback.journal.journal import TARGET
from pam_rollback.observation.client.timeline import Anchor
from pam_rollback.observation.rules.recovery import BAD_SECOND_PCT, OutageRule, Recovery, find_outages, recovery
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import Plan
from pam_rollback.postmortem.client.allure_seen import results_seen
from pam_rollback.postmortem.rules import timeline
from pam_rollback.postmortem.rules.facts import Action, Collected, Facts, MomentKnown
from pam_rollback.postmortem.rules.timeline import Event, SecondSeen
from pam_rollback.postmortem.service.run import Run, Watched
from pam_rollback.postmortem.service.told import events_told, read_json
from pam_rollback.product.rules.settings_loss import FLAG
from pam_rollback.report.aftermath import to_dos
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import Result


@dataclass(frozen=True)
class Incident:
    """One incident of a run."""

    run: Run
    situation: str

    @property
    def entries(self) -> tuple[Mapping[str, Any], ...]:
        """The journal of this situation: of a drill with several stories, the part in which this one's decision stands."""
        if len(self.run.situations) == 1:
            return self.run.entries
        if any(entry.get("situation") == self.situation for entry in self.run.entries):
            own = {None, self.situation}
            return tuple(entry for entry in self.run.entries if entry.get("situation") in own)
        # An earlier version did not name the situation.
        parts: list[list[Mapping[str, Any]]] = [[]]
        for entry in self.run.entries:
            if entry["event"] == "planting":
                parts.append([])
            parts[-1].append(entry)
        strategy = self.situation.removeprefix("after-")
        of_this = (
            part
            for part in parts
            if any(entry["event"] == "action" and entry["strategy"] == strategy for entry in part)
        )
        return tuple(next(of_this, ()))

    @property
    def watched(self) -> Watched | None:
        """What users were answered; of a resumed run, by its first session."""
        return self.run.watched.get(self.situation)

    @property
    def decided(self) -> Mapping[str, Any] | None:
        """The journal's entry of the decision."""
        return next((entry for entry in self.entries if entry["event"] == "action"), None)

    def recovery(self) -> Recovery | str:
        """Onset and mitigation from users' answers; else why they cannot tell."""
        watched, decided = self.watched, self.decided
        if watched is None or not watched.samples:
            return "users' answers were not recorded"
        planted = next((float(entry["at_s"]) for entry in self.entries if entry["event"] == "planting"), None)
        decided_s = float(decided["decided_s"]) if decided is not None else watched.samples[-1].due_s
        try:
            return recovery(watched.samples, incident_s=planted, decision_s=decided_s, rule=self._rule)
        except MeasurementFailed as problem:
            return str(problem)

    @property
    def _rule(self) -> OutageRule:
        return OutageRule(limit_pct=BAD_SECOND_PCT, slow_ms=self.run.slow_ms)

    def moments(self) -> tuple[MomentKnown, ...]:
        """As the session told them; else as far as its records allow."""
        watched = self.watched
        file = self.run.folder / self.situation / RECOVERY_FILE
        if watched is not None and file.is_file():
            try:
                told = json.loads(file.read_text(encoding="utf-8"))["moments"]
                return tuple(_told(moment, watched.anchor, f"{self.situation}/{RECOVERY_FILE}") for moment in told)
            except (ValueError, KeyError, TypeError):
                pass
        return tuple(self._by_records())

    def _by_records(self) -> Iterator[MomentKnown]:
        seen, watched = self.recovery(), self.watched
        source = watched.source if watched else "-"
        wall = watched.anchor.wall if watched else None
        found, why = (None, f": {seen}") if isinstance(seen, str) else (seen, "")
        exactly = found.resolution_s if found else None
        onset_s, mitigated_s = (found.onset_s, found.recovered_s) if found else (None, None)
        yield MomentKnown("onset", _at(wall, onset_s), exactly, f"the first bad answer to a probe{why}", source)
        yield MomentKnown("detection", None, None, "not in the records of this run: who or what told you?", "-")
        events = list(timeline.of_journal(self.entries))
        for name, words, what in (
            ("decision", "decided:", "when the rollback was decided on"),
            ("first step", timeline.BEGINS, "when the first change began"),
        ):
            at = next((event.at for event in events if event.what.startswith(words)), None)
            yield MomentKnown(name, at, 0.0, what, JOURNAL)
        yield MomentKnown(
            "mitigated", _at(wall, mitigated_s), exactly, f"good from then on, as far as was watched{why}", source
        )
        yield MomentKnown("confirmed", None, None, "the whole window was not seen to be held in this run", "-")

    def span(self) -> tuple[datetime, datetime]:
        """From the first to the last thing that is known of it."""
        found = [datetime.fromisoformat(str(entry["at"])) for entry in self.entries]
        watched = self.watched
        if watched is not None and watched.samples:
            found += [watched.anchor.wall(sample.due_s) for sample in (watched.samples[0], watched.samples[-1])]
        if self.run.record is not None:
            found += [datetime.fromisoformat(one.iso) for one in (self.run.record.started, self.run.record.finished)]
        return (min(found), max(found)) if found else (datetime.now(UTC), datetime.now(UTC))

    def surroundings(self) -> tuple[datetime, datetime]:
        """Some minutes before and after: what led to it, and what came of it."""
        since, until = self.span()
        return since - timedelta(minutes=15), until + timedelta(minutes=1)

    def commits(self) -> tuple[str, str, str]:
        """The bad commit, the target's, and the deploy of the front end that was bad; empty where the journal does not say."""
        owed = {entry["kind"]: entry["facts"] for entry in self.entries if entry["event"] == "undo-owed"}
        targets = [entry["facts"] for entry in self.entries if entry["event"] == TARGET]
        bad = [
            *(owed.get(kind, {}).get("commit") for kind in ("run-deploy", "publish-deploy")),
            *(facts.get("commit") for facts in targets if facts.get("taken_back")),
        ]
        good = [facts.get("commit") for facts in targets if not facts.get("taken_back")]
        deploy = str(owed.get("publish-deploy", {}).get("deploy", ""))
        return str(next(filter(None, bad), "")), str(next(filter(None, good), "")), deploy

    def seconds(self) -> list[SecondSeen]:
        """Users' answers by the second."""
        watched = self.watched
        if watched is None:
            return []
        return timeline.by_second(watched.samples, watched.anchor.wall, slow_ms=self.run.slow_ms)

    def events(self, material: Path) -> tuple[Event, ...]:
        """Everything, in order of time; what providers tell is read from what was collected."""
        since, until = self.surroundings()
        # What providers tell goes back for weeks.
        told = [event for event in events_told(material) if since <= event.at <= until]
        found = [*timeline.of_journal(self.entries), *told]
        watched = self.watched
        if watched is not None:
            found += timeline.of_releases(watched.samples, watched.anchor.wall, watched.source)
            with suppress(MeasurementFailed):  # not one usable sample
                outages, _ = find_outages(watched.samples, self._rule)
                found += timeline.of_outages(outages, watched.anchor.wall, watched.source)
        return tuple(sorted(found))

    def users(self) -> tuple[tuple[tuple[str, int, int], ...], str]:
        """How each journey fared, and in which time: from onset to mitigation, or as long as was watched."""
        watched, seen = self.watched, self.recovery()
        if watched is None or not watched.samples:
            return (), "nobody's answers were recorded"
        if isinstance(seen, str) or seen.onset_s is None:
            why = seen if isinstance(seen, str) else "no outage was seen"
            return tuple(timeline.bad_by_journey(watched.samples, slow_ms=self.run.slow_ms)), (
                f"in all of the time that was watched ({why})"
            )
        until_s = math.inf if seen.recovered_s is None else seen.recovered_s
        inside = [sample for sample in watched.samples if seen.onset_s <= sample.due_s < until_s]
        return tuple(timeline.bad_by_journey(inside, slow_ms=self.run.slow_ms)), "from onset to mitigation"

    def results(self) -> tuple[tuple[Result, ...], str]:
        """What came of the tests of this situation, and where that stands."""
        if self.run.record is not None:
            found = self.run.record.results
            own = tuple(result for result in found if self.situation in {"", result.situation})
            return own or found, "run.json"
        return results_seen(RunFolder(self.run.folder).results), "allure-results"

    def flags(self, material: Path) -> tuple[tuple[str, str, str], ...]:
        """Flags that differ between before and now; before is what the run recorded, or noted before it changed them."""
        before = self._flags_before()
        now = read_json(material / "configuration" / "flags-now.json")
        if not before or not isinstance(now, dict):
            return ()
        return tuple(
            (name, before[name], str(now.get(name, "gone"))) for name in sorted(before) if before[name] != now.get(name)
        )

    def _flags_before(self) -> dict[str, str]:
        recorded = read_json(self.run.folder / self.situation / SETTINGS_FILE)
        if isinstance(recorded, dict):
            values = recorded.get("values", {})
            return {name.removeprefix(FLAG): str(said) for name, said in values.items() if name.startswith(FLAG)}
        for entry in self.entries:
            if entry["event"] == "undo-owed" and entry["kind"] == "set-flags":
                return {name: _flag(told) for name, told in entry["facts"]["flags"].items()}
        return {}

    @property
    def ended(self) -> datetime | None:
        """When the last step of the rollback was done."""
        ends = [datetime.fromisoformat(str(one["at"])) for one in self.entries if one["event"] == "step-done"]
        return max(ends, default=None)

    def facts(self, material: Path, collected: Sequence[Collected], plan: Plan | None = None) -> Facts:
        """All of it, for the draft."""
        run, decided = self.run, self.decided
        results, source = self.results()
        users, users_when = self.users()
        bad, target, _ = self.commits()
        log = material / "git" / "log.txt"
        return Facts(
            run=run.id,
            situation=self.situation,
            environment=run.environment or "unknown environment",
            host=run.record.environment.host if run.record else run.api,
            record=run.record,
            no_record=run.no_record,
            results=results,
            results_source=source,
            action=None if decided is None else self._action(decided),
            moments=self.moments(),
            users=users,
            users_when=users_when,
            events=self.events(material),
            unfinished=timeline.unfinished(self.entries),
            changes=tuple(log.read_text(encoding="utf-8").splitlines()) if log.is_file() else (),
            flags=self.flags(material),
            collected=(*run.problems, *collected),
            issue=run.issue,
            released=_released(bad, target),
            to_dos=() if plan is None else tuple(to_dos(plan, self.ended)),
        )

    def _action(self, decided: Mapping[str, Any]) -> Action:
        targets = [timeline.words_of_target(entry) for entry in self.entries if entry["event"] == TARGET]
        return Action(
            strategy=str(decided["strategy"]),
            mode=str(decided["mode"]),
            reason="; ".join([str(decided["reason"]), *map(str, decided.get("observed", ()))]),
            initiated_by=str(decided["initiated_by"]),
            targets=tuple(targets),
            source=JOURNAL,
        )


def _released(bad: str, target: str) -> str:
    """In words; empty where no release was changed. A revert takes the bad one back and goes back to none that was there before."""
    if not (bad or target):
        return ""
    gone = f"gone back to: commit {target[:12]}" if target else "taken back by a revert"
    return f"bad: commit {bad[:12] or 'unknown'}; {gone}"


def _told(moment: Mapping[str, Any], anchor: Anchor, source: str) -> MomentKnown:
    at_s = moment["at_s"]
    at = None if at_s is None else anchor.wall(float(at_s))
    return MomentKnown(str(moment["name"]), at, float(moment["uncertain_s"]), str(moment["definition"]), source)


def _at(wall: timeline.Wall | None, at_s: float | None) -> datetime | None:
    return None if wall is None or at_s is None else wall(at_s)


def _flag(told: Mapping[str, Any]) -> str:
    return str(Flag(enabled=bool(told["enabled"]), rollout_pct=int(told["rollout_pct"])))
