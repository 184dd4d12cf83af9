"""The ground of a game: a sandbox that can be broken, the prober that watches it, and what players' sessions left behind."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.base.run_files import JOURNAL
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.game.rules.players_file import players_file
from pam_rollback.game.rules.scenario import SOURCE, Games, read_games
from pam_rollback.game.rules.scoring import Acted, Looked, Outcome
from pam_rollback.journal.journal import ACTION, ACTION_FAILED, FINISHED, Journal
from pam_rollback.observation.rules.journeys import Journey, ProbeConfig
from pam_rollback.observation.rules.probed_journeys import probe_config
from pam_rollback.observation.rules.recovery import BAD_SECOND_PCT, OutageRule
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.observation.service.prober import Prober, start_prober
from pam_rollback.product.rules.expectation import Expect
from pam_rollback.report import wording
from pam_rollback.report.decision_record import Recommendation
from pam_rollback.report.past_drills import read
from pam_rollback.report.run_record import RunRecord
from pam_rollback.sandbox.remote import Remote

RATE_HZ = 10.0
"""Enough to tell a second; the players' own sessions ask besides."""
_PRIVATE = 0o600
_NEWEST = 100


def games() -> Games:
    """The games of this slice. Raises ConfigurationError."""
    return read_games(resources.files(__package__).joinpath(SOURCE).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Ground:
    """Where a game is played."""

    remote: Remote
    prober: Prober
    environment: Environment
    out: Path
    """Where sessions leave their runs."""

    @property
    def rule(self) -> OutageRule:
        """What users call an outage."""
        return OutageRule(limit_pct=BAD_SECOND_PCT, slow_ms=self.environment.probing.slow_ms)

    def samples(self) -> tuple[Sample, ...]:
        """All that is settled so far. Raises MeasurementFailed when the prober is gone: from then on we are blind."""
        self.prober.check()
        return self.prober.timeline.samples(until_s=self.prober.timeline.settled_s)

    def looked(self) -> tuple[Looked, ...]:
        """The sessions about this sandbox that are over, in the order in which they ended."""
        host = urlsplit(self.environment.urls.api).netloc
        records = [
            record for path in self._runs("run.json") if (record := read(path)) and record.environment.host == host
        ]
        return tuple(sorted((_looked(record) for record in records), key=lambda one: one.ended_s))

    def acted(self) -> tuple[Acted, ...]:
        """The rollbacks on this sandbox that were decided on, in that order, those of sessions that still run or were killed, too."""
        return tuple(
            sorted((one for path in self._runs(JOURNAL) for one in self._actions(path)), key=lambda one: one.decided_s)
        )

    def _runs(self, file: str) -> list[Path]:
        return sorted(self.out.glob(f"*/{file}"))[-_NEWEST:]

    def _actions(self, path: Path) -> Iterator[Acted]:
        entries = Journal(path).entries()
        for entry in entries:
            if entry["event"] == ACTION and entry.get("api") == self.environment.urls.api and not entry.get("resumed"):
                own = [one for one in entries if one.get("situation") == entry.get("situation")]
                yield Acted(
                    str(entry["strategy"]),
                    float(entry["decided_s"]),
                    _outcome({str(one["event"]) for one in own}),
                    verified=(path.parent / "run.json").is_file(),
                )


@contextmanager
def ground(state_file: Path, players: Path, timeline: Path, root: Path) -> Iterator[Ground]:
    """Write the players' file and watch a running sandbox. Raises ConfigurationError, MeasurementFailed, OSError."""
    text = state_file.read_text(encoding="utf-8")
    players.touch(_PRIVATE)
    players.chmod(_PRIVATE)
    players.write_text(players_file(text), encoding="utf-8")
    try:
        controls = tomllib.loads(text)["sandbox"]
        environment = load_environment(str(players), root / "environments", os.environ)
        with start_prober(_probed(environment), timeline) as prober:
            yield Ground(
                Remote(controls["control_url"], controls["token"]), prober, environment, root / "reports" / "out"
            )
    finally:
        players.unlink(missing_ok=True)


def _probed(environment: Environment) -> ProbeConfig:
    """What users do, and a door that has to be closed: whoever is not signed in is shown nothing."""
    usual = probe_config(environment, run="game")
    door = Journey(name="closed door", url=environment.url_of("expenses"), expect=Expect(status=401), weight=1)
    return usual.model_copy(update={"journeys": (*usual.journeys, door), "rate_hz": RATE_HZ})


def _looked(record: RunRecord) -> Looked:
    said = wording.verdict_word(record)
    if record.decision is not None:
        quiet = record.decision.recommendation in {Recommendation.NO, Recommendation.NOT_KNOWN}
        return Looked(said, record.finished.monotonic_s, alarm=not quiet)
    return Looked(
        said, record.finished.monotonic_s, alarm=record.verdict not in {"GO", "PLANNED", "INCONCLUSIVE", "REFUSED"}
    )


def _looks(record: RunRecord) -> bool:
    """A baseline records what is normal: it judges nothing."""
    return any(result.phase != "baseline" for result in record.results)


def _outcome(events: set[str]) -> Outcome:
    if ACTION_FAILED in events:
        return "failed"
    return "done" if FINISHED in events else "not finished"
