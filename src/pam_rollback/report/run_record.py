"""The run record: all that a session found out, as data. The scorecard and the job summary read nothing else.

In one module: the types are the schema of one file, which is written and read here only.
"""

import json
import math
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from pam_rollback.core import run_files
from pam_rollback.core.answer import NotJson, read_json
from pam_rollback.http.files import write_whole
from pam_rollback.report.record_parts import DecisionRecord, Recorded, StandingAlone, StrategyReadiness, Watched
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.verdict import Outcome

SCHEMA_VERSION: Final = 1
"""Rises when a reader of an older record would misread a newer one."""

Verdict = Literal["GO", "NO-GO", "INCONCLUSIVE", "ACTION FAILED", "REFUSED", "UNDO FAILED", "PLANNED"]


class Moment(Recorded):
    """A point in time, for people and for subtraction."""

    iso: str
    """Wall time with its offset, ISO 8601."""
    monotonic_s: float
    """The machine's monotonic clock, seconds; comparable within one machine's uptime only."""


class EnvironmentFacts(Recorded):
    """What was acted on."""

    name: str
    """The name in its environment file."""
    host: str
    """Host, with port where it is not the usual one."""
    kind: Literal["sandbox", "staging", "production"]
    """What the guard protects it as."""


class CommitSeen(Recorded):
    """A commit that a part of the product named."""

    part: str
    """``the front end`` or ``the back end``."""
    commit: str
    """As it was named, whole or shortened."""


class Measured(Recorded):
    """One figure of a criterion beside what the plan asks for."""

    what: str
    """What was measured, a few words."""
    asked: str
    """What the plan asks for, with unit, for example ``at most 2 %``."""
    measured: float | str | None
    """The figure in ``unit``, a word, or null when nothing was measured."""
    unit: str = ""
    """Unit of ``measured`` and ``margin``."""
    n: int | None = None
    """How many samples the figure rests on."""
    margin: float | None = None
    """How far the figure is from the limit, in ``unit``; negative when it is beyond."""
    definition: str = ""
    """How the figure was computed, for example ``p95, nearest rank, from the due time``."""
    proviso: str = ""
    """What has to be read with the figure wherever it stands, for example ``15 s watched, pace 60``; mostly empty."""

    def __post_init__(self) -> None:
        # JSON has no NaN and no infinity; a null in ``measured`` would mean "not measured", so there it becomes a word.
        if isinstance(self.measured, float) and not math.isfinite(self.measured):
            object.__setattr__(self, "measured", str(self.measured))
        if self.margin is not None and not math.isfinite(self.margin):
            object.__setattr__(self, "margin", None)


class Unanswered(Recorded):
    """What a test found that the baseline has, too, and that nobody answers for; of one kind together."""

    item: str
    """Plan item."""
    kind: str
    """As what they are counted, for example ``button-name``; empty where it is one that is named."""
    pattern: str
    """How a waiver would name them."""
    count: int
    """How many."""
    findings: tuple[str, ...]
    """Each as it was found."""
    borne: int = 0
    """How many findings of the baseline that pattern names."""


class Result(Recorded):
    """What came of one test."""

    nodeid: str
    """pytest's id of the test."""
    title: str
    """The truth that the test proves, one sentence."""
    outcome: Outcome
    """What it told us."""
    criteria: tuple[str, ...] = ()
    """Permanent ids of the plan items that it serves."""
    phase: str = ""
    """Phase of the plan, for example ``post_rollback``."""
    kind: str = ""
    """Kind of check, for example ``health``."""
    situation: str = ""
    """The state in which it ran: ``as-is``, ``baseline``, ``after-…``."""
    message: str = ""
    """First line of what went wrong; empty when nothing did."""
    runbook: str = ""
    """Where the runbook goes on."""
    duration_s: float = 0
    """Set-up, body and tear-down together, seconds."""
    advisory: bool = False
    """Reported, never decides."""
    ran: bool = True
    """Its body ran; false when a fixture failed before, or when it was never reached."""
    measured: tuple[Measured, ...] = ()
    """The figures behind the outcome."""
    unanswered: tuple[Unanswered, ...] = ()
    """What of it was there before, and nobody answers for it."""
    nothing_new: bool = False
    """It is broken by nothing else than that."""
    cause: str = ""
    """What stood in the way of more tests than this, in the same words for all; mostly empty, as in records of the first version."""


class ActionTaken(Recorded):
    """A rollback that the session began or went on with."""

    story: str
    """The way it was done, for example ``frontend-restore``."""
    strategy: str
    """Plan item of its strategy, for example ``ST-3``."""
    title: str
    """What the strategy does, in the plan's words."""
    incident: str
    """What was wrong: the planted incident of a drill, or the reason that somebody gave."""
    initiated_by: str
    """Who decided."""
    situation: str
    """The situation that it brings about."""
    decided_s: float
    """Seconds from the start of the session to the decision."""


class ItemTitle(Recorded):
    """A plan item that the session judged."""

    id: str
    """Permanent id."""
    title: str
    """What it asks for, in the plan's words."""


class ActionStep(Recorded):
    """One step of a rollback or of its undo, as the journal has it."""

    action: str
    """The strategy, for example ``feature-flag``."""
    step: str
    """What was done."""
    outcome: Literal["done", "already done", "failed", "undone", "planned"]
    """What came of it."""
    started_s: float
    """Seconds after the start of the session."""
    duration_s: float
    """Seconds."""
    detail: str = ""
    """One line more, where there is something to say."""


class TopicTold(Recorded):
    """What a topic says of the run, for people: the stages of the gate, for example."""

    heading: str
    """What it is about."""
    entries: tuple[str, ...]
    """A line each."""


class NotRun(Recorded):
    """A test that was left out, and why."""

    nodeid: str
    """pytest's id of the test."""
    reason: str
    """Why it did not run, in words that several tests can share."""
    criteria: tuple[str, ...] = ()
    """Permanent ids of the plan items that it serves; none in records of the first version."""


class RelaxedThreshold(Recorded):
    """A figure of the plan that the environment overrides."""

    item: str
    """Plan item."""
    key: str
    """The item's key, with its unit in the name."""
    plan: float
    """What the plan asks for."""
    used: float
    """What was asked for in this run."""
    waived: bool = False
    """A dated waiver names it, so the run is not partial because of it."""


class Waiver(Recorded):
    """A written, dated permission to go on without a plan item."""

    item: str
    """Plan item."""
    until: str
    """Last day on which it holds, ISO 8601."""
    reason: str
    """Why."""
    approved_by: str
    """Who answers for it."""


class Acknowledgement(Recorded):
    """A person's word for a criterion that no program can measure."""

    item: str
    """Plan item."""
    statement: str
    """Who, and what the evidence is."""


class Unmeasured(Recorded):
    """A criterion that this run could not judge."""

    item: str
    """Plan item."""
    what: str
    """What it asks for, a few words."""
    why: str
    """What is missing."""
    waived: bool = False
    """A dated waiver names it, so the run is not partial because of it."""


class ReportPaths(Recorded):
    """Where to read on; null for what there is not."""

    html: str | None = None
    """The HTML report's page, or null with the reason in ``html_missing``."""
    html_missing: str = ""
    """Why there is no HTML report and how to get it, one line."""
    record: str | None = None
    """This record."""
    junit: str | None = None
    """JUnit XML."""
    results: str | None = None
    """Folder of the raw Allure results."""


class RunRecord(Recorded):
    """One session."""

    run_id: str
    """Unique name of the run; the name of its folder."""
    started: Moment
    """When the session began."""
    finished: Moment
    """When its last test was over."""
    environment: EnvironmentFacts
    """What was acted on."""
    release: str | None
    """The release that was serving when the session ended, null when nobody could tell."""
    releases_seen: tuple[str, ...]
    """All releases that answered during the session, in the order in which they were first seen."""
    mode: Literal["drill", "real"]
    """``drill`` plants its own incident; ``real`` acts on a real one."""
    pace: float
    """What the plan's observation windows were divided by."""
    situations: tuple[str, ...]
    """The situations in which checks ran."""
    command_line: tuple[str, ...]
    """The command line, without secrets."""
    verdict: Verdict
    """The word that decides."""
    exit_code: int
    """pytest's exit code."""
    results: tuple[Result, ...]
    """One entry for each selected test."""
    scope: str | None = None
    """The whole phase, kind or file to which the verdict is limited, for example ``health``; null for all."""
    reasons: tuple[str, ...] = ()
    """Why the verdict is not GO, the most serious first; one line each."""
    deselected: tuple[NotRun, ...] = ()
    """Tests that were collected and left out."""
    steps: tuple[ActionStep, ...] = ()
    """What was done to the environment."""
    actions: tuple[ActionTaken, ...] = ()
    """The rollbacks that were decided, in order; none in records of the first version."""
    items: tuple[ItemTitle, ...] = ()
    """What the plan items that were judged ask for; none in records of the first version."""
    commits_seen: tuple[CommitSeen, ...] = ()
    """What a session of the re-deployment gate was about, each once: none where no part names a commit, and in older records."""
    watched: tuple[Watched, ...] = ()
    """What users saw around each rollback of this session; none in records of the first version."""
    relaxed_thresholds: tuple[RelaxedThreshold, ...] = ()
    """Figures of the plan that the environment overrides."""
    waivers: tuple[Waiver, ...] = ()
    """Permissions that were used."""
    acknowledgements: tuple[Acknowledgement, ...] = ()
    """Manual criteria that a person answered for."""
    unmeasured: tuple[Unmeasured, ...] = ()
    """Criteria without a measurement."""
    decision: DecisionRecord | None = None
    """What a session of the phase ``decision`` recommends; null for every other session."""
    readiness: tuple[StrategyReadiness, ...] = ()
    """What a session of the phase ``preflight`` found, by strategy."""
    standing: StandingAlone | None = None
    """What each way of rolling back stands on, as a preflight found it; null for every other session."""
    told: tuple[TopicTold, ...] = ()
    """What topics say of the run; none in records of the first version."""
    notes: tuple[str, ...] = ()
    """What else a reader should know; one line each."""
    reports: ReportPaths = field(default_factory=ReportPaths)
    """Where to read on."""
    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this format."""
    suite: str = ""
    """The version of the suite that wrote it; empty in records of the first one."""

    @property
    def rehearsal(self) -> bool:
        """Only the sandbox was touched."""
        return self.environment.kind == "sandbox"

    @property
    def undamaged(self) -> bool:
        """A drill outside the sandbox: it rolled back what worked."""
        return self.mode == "drill" and not self.rehearsal and bool(self.actions)

    @property
    def duration_s(self) -> float:
        """Length of the session, seconds."""
        return self.finished.monotonic_s - self.started.monotonic_s

    @property
    def run_count(self) -> int:
        """How many of the selected tests ran: their bodies, not just their fixtures."""
        return sum(result.ran and result.outcome is not Outcome.NOT_RUN for result in self.results)


class UnreadableRecord(ValueError):  # noqa: N818 - says what it is
    """A file is no run record of this version; the message says where it differs."""


def write(record: RunRecord, path: Path, redactor: Redactor) -> None:
    """Writes the record without secrets, all of it or nothing: a reader never sees half a file."""
    text = json.dumps(redactor.value(to_json(record)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def read(path: Path) -> RunRecord:
    """Reads a record. Raises ``UnreadableRecord`` with every difference, or ``FileNotFoundError``."""
    text = path.read_bytes()
    try:
        if problem := _too_new(text):
            raise UnreadableRecord(f"{path}: {problem}")
        return _adapter().validate_json(text)
    except ValidationError as error:
        problems = [
            f"  {'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}"
            for problem in error.errors(include_input=False)
        ]
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise UnreadableRecord(
            "\n".join([f"{path}: {count}, expected a run record of version {SCHEMA_VERSION}", *problems])
        ) from None


def _too_new(text: bytes) -> str:
    try:
        found = read_json(text)
    except NotJson:
        return ""  # the validation says where it is no JSON
    return run_files.too_new(found, SCHEMA_VERSION) if isinstance(found, dict) else ""


def to_json(record: RunRecord) -> dict[str, Any]:
    """The record as JSON-like data."""
    # A whole number may stand where a figure is a fraction: no reason to warn of, let alone to lose a record by.
    found: dict[str, Any] = _adapter().dump_python(record, mode="json", warnings=False)
    return found


def schema() -> dict[str, Any]:
    """The JSON schema of a record: ``python -m pam_rollback.report --schema`` prints it."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Run record"}
    closed: dict[str, Any] = _closed(_adapter().json_schema(mode="validation"))
    return head | closed | {"title": "Run record"}


def _closed(part: Any) -> Any:
    """Of what this version writes, a key that the schema does not know is a mistake; only our reader is more patient."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {"additionalProperties": False} if "properties" in part else {}
    return closed | {key: _closed(value) for key, value in part.items()}


@cache
def _adapter() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)
