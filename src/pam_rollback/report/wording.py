"""How the facts of a run record are put into words, the same in the terminal, in the job summary and in the report.

In one module: several views take each of these words, and a fact reads the same in all of them.
"""

import re
from collections.abc import Iterable, Sequence, Sized
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeVar

from pam_rollback.core.answer import SIGN_IN_LIMITED
from pam_rollback.core.figures import duration
from pam_rollback.report.run_record import Measured, Result, RunRecord
from pam_rollback.report.verdict import WORST_FIRST, Outcome, counted, counted_criteria

One = TypeVar("One")
Paragraph = tuple[str, Sequence[str]]
"""A heading and its lines."""

UNEXPLAINED: Final = "why was not recorded, which is a defect of this suite: nothing is known"
"""What is said of a verdict other than GO that has no reason. No session writes such a record."""

NOT_DONE: Final = "the rollback was not done: "
"""Goes before why an action failed, where a verdict is given its reasons."""

NO_RECORD: Final = "no verdict: the session ended before it wrote its run record"
"""What is said of a run that was killed."""


_HEALTH: Final = "health"
"""The scope of a session that asked for health alone."""
_SUCCESS: Final = "SC-"
"""How the success criteria of the plan are numbered."""

_ACK: Final = re.compile(r'--ack [A-Z]+-\d+="')
"""How a person vouches for a plan item."""

_BESIDES: Final = re.compile(r"; found there: .*?(?=; see docs/|$)")
"""What a test found although the answer is not known: a part of its message that is its own."""


_BLOCKED: Final = re.compile(r"\bonly we are blocked\b|\bwe are blocked, or everybody is\b")
"""How whoever looks for blocks tells of one (``observation``)."""

_TOGETHER: Final = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|MB|MiB|%)(?!\w))|(?<=\d) (?=of \d)|(?<=\d (?:of|in)) (?=\d)")
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
LOOK: Final = re.compile(r"(?<=\w)-(?:light|dark|double-size|phone)\b")
"""How a page was looked at, as page states name it: ``chat-dark``."""
_OWN_WORD: Final = re.compile(
    r"^(?:[\w.]+\.)?(?:AssertionError|MeasurementFailed|NothingToProve|QuestionFailed|SignInLimited|NotAsDescribed|NeverBegan|NotSent|"
    r"ActionFailed|StepsFailed|LockLost|ProviderError|ProductDown|UnreadableAnswer|UndoFailed|Refused|StopRequested): "
)
"""What pytest puts in front of a message; any other exception is a defect of the suite, and its name is needed."""


def mode(record: RunRecord) -> str:
    """For real, a drill, or only checks: a session that rolls nothing back is no drill."""
    return "for real" if record.mode == "real" else "drill" if record.actions else "checks only"


def title(record: RunRecord) -> str:
    """The report's name: verdict and environment, so that a browser tab says what came out."""
    what = "rollback" if record.mode == "real" else "rollback drill" if record.actions else "checks"
    return f"{verdict_word(record)}: PAM {what} on {record.environment.name}"


def times_of_day(moments: Sequence[datetime], zone: tzinfo | None = None) -> str:
    """From when to when, in UTC and, where clocks show something else, in ``zone``: ``13:59:47 to 14:01:41 UTC (14:59:47 to … CET)``."""
    utc = " to ".join(f"{moment.astimezone(UTC):%H:%M:%S}" for moment in moments) + " UTC"
    there = [moment.astimezone(zone) for moment in moments]
    if zone is None or not there or not there[-1].utcoffset():
        return utc
    return f"{utc} ({' to '.join(f'{moment:%H:%M:%S}' for moment in there)} {there[-1].tzname()})"


def moment(record: RunRecord, after_s: float, zone: tzinfo | None) -> str:
    """The day and the time of day, so many seconds after the run began."""
    at = datetime.fromisoformat(record.started.iso) + timedelta(seconds=after_s)
    return f"{at:%Y-%m-%d} {times_of_day([at], zone)}"


def figure(value: float | str | None, unit: str = "") -> str:
    """A figure with its unit; four digits are enough for a person."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    number = str(value) if isinstance(value, int) else f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"  # noqa: PLR2004 - beyond, %g has an exponent
    return f"{number} {unit}".rstrip()


def found(measured: Measured) -> str:
    """What was measured, with what has to be read with it: ``900 s (15 s watched, pace 60)``."""
    number = figure(measured.measured, measured.unit)
    return f"{number} ({measured.proviso})" if measured.proviso else number


def margin(measured: Measured, outcome: Outcome) -> str:
    """The distance from the limit, always with its sign. What could not be judged has none: nobody may take it for one that was met."""
    if measured.margin is None or outcome in BLIND:
        return "-"
    return ("+" if measured.margin >= 0 else "") + figure(measured.margin, measured.unit)


def together(text: str) -> str:
    """The text, in which no line ends between a figure and its unit."""
    return _TOGETHER.sub(NO_BREAK, text)


def verdict_word(record: RunRecord) -> str:
    """The verdict with what limits it: ``REHEARSAL GO for health``, ``DRILL GO``; of a decision, what to do. A plan is neither."""
    practice = "DRILL " if record.undamaged else "REHEARSAL " if record.rehearsal else ""
    rehearsal = practice if record.verdict != "PLANNED" else ""
    if record.decision is not None:
        return f"{rehearsal}{record.decision.recommendation}"
    return f"{rehearsal}{record.verdict}" + (f" for {record.scope}" if record.scope else "")


def rehearsed(record: RunRecord) -> str:
    """What a rehearsal says nothing about; empty where something else than the sandbox was looked at."""
    return "On the sandbox: production was neither touched nor judged." if record.rehearsal else ""


def no_all_clear(record: RunRecord) -> str:
    """What a GO for health alone says nothing about; empty for any other verdict."""
    alone = record.scope == _HEALTH and record.verdict == "GO"
    return "Only health and the front page were asked. Are users served? -m decision" if alone else ""


def escalation(record: RunRecord) -> str:
    """Where it says whom to call and when; empty where nobody has to be."""
    nobody = record.verdict in {"GO", "PLANNED"} or record.decision is not None
    return "" if nobody else "whom to call, and when: docs/runbook.md#escalation"


def verdict_line(record: RunRecord) -> str:
    """The one line that decides: verdict, environment, host, release, how much ran, and why it is not GO. Of a plan, how much would run."""
    if record.verdict == "PLANNED":
        return f"{verdict_word(record)}  {record.environment.name}, {len(record.results)} tests: nothing was sent"
    target = f"{verdict_word(record)}  {record.environment.name} {record.environment.host}"
    release = f"release {record.release}" if record.release else "release unknown"
    why = short_reason(record)
    return f"{target}  {release}, {how_much(record)}" + (f": {why}" if why else "")


def how_much(record: RunRecord) -> str:
    """How many of the selected tests ran, and how long the session took: ``14 of 14 in 38 s``."""
    return f"{record.run_count} of {len(record.results)} in {duration(record.duration_s)}"


def short_reason(record: RunRecord) -> str:
    """Why the verdict is not GO, in a few words; empty for GO and PLANNED, and for nothing else."""
    if record.verdict in {"GO", "PLANNED"}:
        return ""
    ids = ", ".join(record.decision.why) if record.decision is not None else ""
    deciding = [result for result in record.results if decides(result)]
    outcomes = [result.outcome for result in deciding]
    broken = [result.criteria for result in deciding if result.outcome is Outcome.BROKEN_CRITERION]
    others = counted(outcome for outcome in outcomes if outcome is not Outcome.BROKEN_CRITERION)
    numbers = ", ".join([counted_criteria(broken), *others] if broken else others)
    written = next((reason for reason in record.reasons if reason.strip()), "")
    # Tests that did not run have a cause; their number alone tells nobody what happened.
    only_missing = set(outcomes) <= {Outcome.PASSED, Outcome.KNOWN, Outcome.NOT_RUN}
    told = (ids, written, numbers) if only_missing or record.decision is not None else (numbers, written)
    return next(filter(None, told), UNEXPLAINED)


def decides(result: Result) -> bool:
    """Whether the verdict rests on it. What could not be put back counts whichever test came upon it."""
    return not result.advisory or result.outcome is Outcome.UNDO_FAILED


BLIND: Final = frozenset({Outcome.UNKNOWN, Outcome.NOT_RUN})
"""Outcomes that judge nothing, whatever figures stand beside them."""

NO_PROBLEM: Final = frozenset({Outcome.PASSED, Outcome.NOT_RUN, Outcome.KNOWN})
"""Outcomes that nobody has to look at."""


def problems(record: RunRecord) -> list[Result]:
    """The results that a person has to look at, the worst first; advisory ones last."""
    bad = [result for result in record.results if result.outcome not in NO_PROBLEM]
    return sorted(bad, key=lambda result: (not decides(result), WORST_FIRST.index(result.outcome)))


ONLY_ADVISORY: Final = "Only advisory"
"""Heads what was found and decides nothing."""

HAPPENED: Final = {
    Outcome.UNDO_FAILED: "not all that was changed is as it was before: a person is needed",
    Outcome.ACTION_FAILED: "the action was not done, or not all of it",
    Outcome.REFUSED: "a guard refused to go on",
}
"""What no test is about, whichever came upon it."""


def proves(result: Result) -> str:
    """What a test proves, and that it is not so or not known: beside a verdict, a title alone reads like a finding.

    Of what no test is about, what happened.
    """
    return stated(result.outcome, result.title)


def stated(outcome: Outcome, title: str) -> str:
    """The same, of a test that has no record yet."""
    return HAPPENED.get(outcome) or f"{'not known' if outcome is Outcome.UNKNOWN else 'not true'}: {title.rstrip('.')}"


def said(result: Result) -> str:
    """What a test found, one line, without the name of an exception that only repeats the outcome, and without its own title."""
    return without_title(without_own_word(result.message), result.title) or "no message"


def without_title(message: str, title: str) -> str:
    """A message that does not end with what its test proves: that stands in front of it already."""
    end = f"; expected: {title.rstrip('.')}".lower()
    return message[: -len(end)] if message.lower().endswith(end) else message


def without_own_word(message: str) -> str:
    """A message without the name of an exception of ours, which pytest puts in front of it."""
    return _OWN_WORD.sub("", message)


def cause_of(message: str, outcome: Outcome, cause: str = "") -> str:
    """The cause of a message: that which was told with it, or the message, without the look, and without what its own test found besides.

    All that nobody could measure because there were too many sign-ins has one.
    """
    if is_sign_in_limit(message, outcome):
        return SIGN_IN_LIMITED
    return cause or LOOK.sub("", without_besides(message))


def without_besides(message: str) -> str:
    """A message without what its own test found besides."""
    return _BESIDES.sub("", message)


def is_block(message: str, outcome: Outcome) -> bool:
    """Whether it is not known because a host refuses us, and perhaps nobody else."""
    return outcome is Outcome.UNKNOWN and _BLOCKED.search(message) is not None


def is_sign_in_limit(message: str, outcome: Outcome) -> bool:
    """Whether it is not known because the sign-in was rate limited. What is broken has a cause of its own."""
    return outcome is Outcome.UNKNOWN and SIGN_IN_LIMITED in message


TERMS: Final = ("SC", "RTO", "RPO")
"""Beginnings of the ids of success criteria and of objectives for time and data."""


def is_term(identifier: str) -> bool:
    """Whether the plan item is a success criterion or an objective."""
    return identifier.partition("-")[0] in TERMS


def by_number(identifier: str) -> tuple[int, str, int]:
    """The order in which success criteria and objectives are told."""
    name, _, number = identifier.partition("-")
    return (TERMS.index(name) if name in TERMS else len(TERMS), name, int(number) if number.isdigit() else 0)


def ids(results: Iterable[Result]) -> str:
    """The plan items of these, each once; a test that is of none is called by its name."""
    return " ".join(dict.fromkeys(item for result in results for item in result.criteria or [name_of(result.nodeid)]))


def name_of(nodeid: str) -> str:
    """The name of a test, without its case."""
    return nodeid.partition("[")[0].rpartition("::")[2]


_HANDBOOK: Final = ("docs/how-to/", "docs/reference/")


def says_where(message: str) -> bool:
    """Whether a message names the page that says what to do about it."""
    return any(folder in message for folder in _HANDBOOK)


def not_run(record: RunRecord) -> dict[str, list[str]]:
    """What did not run, by reason: selected tests that were skipped, and tests that were left out."""
    found = [
        (f"{Outcome.KNOWN.value}: {result.message}", result.nodeid)
        if result.outcome is Outcome.KNOWN
        else (result.message or "no reason was given", result.nodeid)
        for result in record.results
        if result.outcome in {Outcome.NOT_RUN, Outcome.KNOWN}
    ]
    return by_reason([*found, *((left_out.reason, left_out.nodeid) for left_out in record.deselected)])


def left_out(record: RunRecord, most: int) -> list[str]:
    """The same in words, with the names of the first tests."""
    return [
        f"{tests(names)}: {reason} ({few([_short(name, record) for name in names], most, ', ')})"
        for reason, names in not_run(record).items()
    ]


def _short(name: str, record: RunRecord) -> str:
    """A test without its file, and without the situation where there is only one."""
    name = name.rpartition("::")[2]
    return name if len(record.situations) > 1 else re.sub(r"\[as-is(?:-(.+))?\]$", r"[\1]", name).removesuffix("[]")


def tests(found: Sized) -> str:
    """How many they are."""
    return "1 test" if len(found) == 1 else f"{len(found)} tests"


def few(names: Sequence[str], most: int, between: str = " ") -> str:
    """The first of them; more are counted."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{between.join(names[:most])}{more}"


def where(result: Result) -> str:
    """The situation of a test behind its plan items; nothing where things are as they were found."""
    return f" [{result.situation}]" if result.situation not in {"", "as-is"} else ""


def by_reason(found: Iterable[tuple[str, One]]) -> dict[str, list[One]]:
    """Together what has one reason. Reasons that differ only in the plan item that a person may vouch for are one."""
    groups: dict[str, list[tuple[str, One]]] = {}
    for reason, one in found:
        groups.setdefault(_ACK.sub('--ack ITEM="', reason), []).append((reason, one))
    return {
        those[0][0] if len({reason for reason, _ in those}) == 1 else reason: [one for _, one in those]
        for reason, those in groups.items()
    }


def told(record: RunRecord) -> list[Paragraph]:
    """What topics say of the run."""
    return [(one.heading, one.entries) for one in record.told]


def conditions(record: RunRecord) -> list[str]:
    """What the verdict rests on besides tests: relaxed figures, waivers, a person's word, what is missing."""
    lines = (
        []
        if record.pace == 1
        else [f"pace {record.pace:g}: windows were watched for 1/{record.pace:g} of the plan's time"]
    )
    lines += [
        f"{relaxed.item} {relaxed.key}: {figure(relaxed.used)} instead of the plan's {figure(relaxed.plan)}"
        + _waived(relaxed.waived)
        for relaxed in record.relaxed_thresholds
    ]
    lines += [
        f"{missing.item} not measured: {missing.what}: {missing.why}" + _waived(missing.waived)
        for missing in record.unmeasured
    ]
    lines += [
        f"{waiver.item} waived until {waiver.until} by {waiver.approved_by}: {waiver.reason}"
        for waiver in record.waivers
    ]
    lines += dict.fromkeys(
        f"{item} {Outcome.KNOWN.value}: {result.message}"
        for result in record.results
        if result.outcome is Outcome.KNOWN
        for item in result.criteria
        if item.startswith(_SUCCESS)
    )
    lines += [f"{ack.item} acknowledged: {ack.statement}" for ack in record.acknowledgements]
    return lines + list(record.notes)


def _waived(waived: bool) -> str:  # noqa: FBT001 - a private word
    return " (waived)" if waived else ""
