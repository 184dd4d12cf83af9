"""Says of each report what it means: a broken criterion, a failed action, or that we do not know. Travels through xdist with the report.

And what the reports of a process said of each test so far.
"""

import json
import re
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pytest

from pam_rollback.core.errors import cause_of
from pam_rollback.core.outside_text import visible
from pam_rollback.plan.checklist import NOT_CONFIRMED, NOT_DONE
from pam_rollback.plugin import markers
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import situation_of
from pam_rollback.plugin.sql_files import invariant_of
from pam_rollback.report.verdict import Outcome, classify, worst
from pam_rollback.report.wording import without_own_word
from pam_rollback.target.known_before import OF_OLD

FIGURES = "pam-figures"


OUTCOME = "pam-outcome"


MESSAGE = "pam-message"


KNOWN = "pam-known"
"""What a test found that was there before, and who answers for it. Everything else that the test asks for is as it should be."""


UNANSWERED = "pam-unanswered"
"""What a test found that was there before, and that nobody answers for; and the sentence, where it found nothing else."""


NOTHING_NEW = OF_OLD
"""A test is red, and by nothing else than that."""


CAUSE = "pam-cause"
"""What stood in the way of more than this test, where whoever met it knew."""


STOOD_IN_THE_WAY = pytest.StashKey[list[tuple[str, str]]]()
"""The same, of the facts that a test has entered; each with the sentence by which an assertion on it is known."""


_LINES_SHOWN = 4


_ESCAPED = re.compile(r"\\(?:x([89a-f][0-9a-f])|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4}))")


_ONLY_TOLD = {Outcome.BROKEN_CRITERION.value, Outcome.UNKNOWN.value}
"""What a test that never decides may find. An action or an undo that failed is shown as failed, whichever test came upon it."""


_PAGE = re.compile(r"If red: (docs/runbook\.md#[a-z0-9-]+)")


def describe(items: Iterable[pytest.Item]) -> None:
    """Give each test what is said of it: markers do not travel to the controller of pytest-xdist, properties do."""
    for item in items:
        item.user_properties += [
            ("criterion", " ".join(markers.criterion_ids(item))),
            ("phase", markers.phase_of(item)),
            ("kind", " ".join(markers.kinds_of(item))),
            ("situation", situation_of(item)),
            ("title", title(item)),
            ("advisory", bool(item.get_closest_marker("advisory"))),
        ]
        invariant = invariant_of(item)
        page = f"docs/runbook.md#{invariant.anchor}" if invariant is not None else _page_of(item)
        if page:
            item.user_properties.append(("runbook", page))


def _page_of(item: pytest.Item) -> str:
    """Where the test's own docstring says that one has to go on; empty when it says nothing."""
    found = _PAGE.search(getattr(getattr(item, "obj", None), "__doc__", None) or "")
    return found[1] if found else ""


def classified(
    item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport, runbook: Runbook
) -> pytest.TestReport:
    """The report with what it means, and without secrets."""
    if call.excinfo is not None and report.outcome == "failed":
        _classify(item, report, call.excinfo.value, runbook)
    elif report.outcome == "skipped":
        report.user_properties = [*report.user_properties, (OUTCOME, Outcome.NOT_RUN.value)]
    elif call.when == "call" and (told := dict(report.user_properties).get(KNOWN)):
        message = visible(runbook.secrets.redact(str(told)))
        report.user_properties = [*report.user_properties, (OUTCOME, Outcome.KNOWN.value), (MESSAGE, message)]
        _tell_only(item, report, Outcome.KNOWN.value)
    if report.longrepr is not None:
        text = str(report.longrepr)
        clean = visible(runbook.secrets.redact(text))
        if clean != text:
            # As plain text, since the structured form would have to be cleaned in a dozen places.
            report.longrepr = clean
    report.sections = [(name, visible(runbook.secrets.redact(text))) for name, text in report.sections]
    if item.get_closest_marker("advisory") and report.outcome == "failed":
        # What ends badly in a teardown may be everybody's.
        if call.when != "teardown" and dict(report.user_properties).get(OUTCOME) in _ONLY_TOLD:
            _tell_only(item, report, "not confirmed" if item.get_closest_marker("checklist") else "advisory")
        else:
            # Shown as failed, so the verdict counts it: a GO has nothing that failed. The test's later reports say so, too.
            for properties in (item.user_properties, report.user_properties):
                properties.append(("advisory", False))
    return report


def _classify(item: pytest.Item, report: pytest.TestReport, error: BaseException, runbook: Runbook) -> None:
    """What a failure means, and what it says. Of a test that was stopped it means nothing: a terminal sends Ctrl-C to browsers, too."""
    outcome = classify(error, in_test_body=report.when == "call")
    message = visible(runbook.secrets.redact(_first_words(error)))
    stopped = runbook.stop.reason if outcome.value in _ONLY_TOLD else None
    if stopped is not None:
        said = f", and said: {message}" if outcome is Outcome.BROKEN_CRITERION else ""
        outcome, message = Outcome.NOT_RUN, f"stopped by {stopped} while it ran{said}"
    report.user_properties = [*report.user_properties, (OUTCOME, outcome.value), (MESSAGE, message)]
    if stopped is not None:
        _tell_only(item, report, outcome.value)
    else:
        report.user_properties += _nothing_new(report, outcome, error)
        if outcome.value in _ONLY_TOLD:  # what an action did or left is its own story, whatever stood in its way
            redact = runbook.secrets.redact
            known = [(visible(redact(cause)), visible(redact(said))) for cause, said in _stood_in_the_way(item, error)]
            report.user_properties += [(CAUSE, cause) for cause, said in known if said in message][:1]


def _nothing_new(report: pytest.TestReport, outcome: Outcome, error: BaseException) -> list[tuple[str, object]]:
    """Whether this is about what was there before, and nothing else. The sentence of another assertion tells of something else."""
    told: dict[str, Any] = dict(report.user_properties).get(UNANSWERED, {})  # type: ignore[assignment]
    only = outcome is Outcome.BROKEN_CRITERION and bool(told.get("only")) and told["only"] in str(error)
    return [(NOTHING_NEW, True)] if only else []


def _stood_in_the_way(item: pytest.Item, error: BaseException) -> list[tuple[str, str]]:
    """Causes that the error, or a fact of the test, knows of; each with what the message then says: another assertion has another cause."""
    if isinstance(error, AssertionError):
        return item.stash.get(STOOD_IN_THE_WAY, [])
    return [(cause, "")] if (cause := cause_of(error)) else []


def _tell_only(item: pytest.Item, report: pytest.TestReport, prefix: str) -> None:
    """What never decides is nowhere shown as failed: neither in JUnit nor in Allure, nor on the terminal. The record has what was found."""
    path, line, _ = item.location
    said = without_own_word(str(dict(report.user_properties)[MESSAGE]))
    report.outcome = "skipped"
    whole = said.startswith((NOT_CONFIRMED, NOT_DONE))  # a checklist's sentence says by itself what it is
    report.longrepr = (path, (line or 0) + 1, f"Skipped: {said if whole else f'{prefix}: {said}'}")


def title(item: pytest.Item) -> str:
    """The test's truth: the plan's title of the ``item`` that it is a case of; the first sentence of its docstring; or its name."""
    runbook, case = runbook_module.of(item.config), getattr(item, "callspec", None)
    if runbook is not None and case is not None and "item" in case.params:
        return runbook.plan.item(case.params["item"]).title
    doc = (getattr(getattr(item, "obj", None), "__doc__", None) or "").strip()
    sentence = " ".join(doc.split("\n\n")[0].split()).partition(".  If red")[0].partition(" If red:")[0]
    return sentence or item.name


def _unescaped(text: str) -> str:
    """What can be seen as it is: pytest writes out whatever of a fact's sentence is not ASCII."""

    def seen(escaped: re.Match[str]) -> str:
        character = chr(int(escaped[1] or escaped[2] or escaped[3], 16))
        return character if character.isprintable() and visible(character) == character else escaped[0]

    return _ESCAPED.sub(seen, text)


def _first_words(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, AssertionError):
        # pytest puts the comparison under the message; the message is what people need first.
        return _unescaped(lines[0]) if lines else "the assertion failed without a message"
    # A headline such as "2 problems" says nothing without the lines below it.
    said = "; ".join(lines[:_LINES_SHOWN]).replace(":; ", ": ")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


_NAMES_SHOWN = 3


def named(nodeids: Iterable[str], most: int = _NAMES_SHOWN) -> str:
    """The first of these tests by their names, without their cases, and how many more there are."""
    names = [*dict.fromkeys(nodeid.rpartition("::")[2].partition("[")[0] for nodeid in nodeids)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@dataclass
class Seen:
    """What the reports of one test said so far."""

    nodeid: str
    properties: dict[str, Any] = field(default_factory=dict)
    figures: list[Mapping[str, Any]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    messages: dict[Outcome, str] = field(default_factory=dict)
    """The first of each outcome."""
    causes: dict[Outcome, str] = field(default_factory=dict)
    """What stood in the way, as was told with these; empty where nothing was."""
    duration_s: float = 0.0
    body_ran: bool = False

    @property
    def criteria(self) -> list[str]:
        """The plan items that it serves."""
        return str(self.properties.get("criterion", "")).split()

    def say(self, outcome: Outcome, message: str = "", cause: str = "") -> None:
        """One phase came to this."""
        self.outcomes.append(outcome)
        if message and outcome not in self.messages:
            self.messages[outcome], self.causes[outcome] = message, cause

    @property
    def was_heard(self) -> bool:
        """It ran, and nobody kept it from saying what it came to."""
        return bool(self.outcomes) and Outcome.NOT_RUN not in self.outcomes

    @property
    def message(self) -> str:
        """What was said of what it came to: why an undo failed, and not what the test had found before."""
        return self.messages.get(self.outcome, "") or next(iter(self.messages.values()), "")

    @property
    def outcome(self) -> Outcome:
        """The worst of what was said; a test whose body never ran to its end did not pass."""
        bad = [outcome for outcome in self.outcomes if outcome is not Outcome.PASSED]
        if bad:
            code = worst(outcome.exit_code for outcome in bad)
            return next(outcome for outcome in bad if outcome.exit_code is code)
        return Outcome.PASSED if Outcome.PASSED in self.outcomes else Outcome.NOT_RUN


DIED: Final = "the process that ran it died"


def what_failed(report: pytest.TestReport) -> tuple[Outcome, str, str]:
    """The outcome, message and cause of a report that is not good. One that was never classified is of a process that died."""
    said = dict(report.user_properties)
    outcome = Outcome(said[OUTCOME]) if OUTCOME in said else Outcome.UNKNOWN
    return outcome, str(said.get(MESSAGE) or DIED), str(said.get(CAUSE, ""))


class Heard:
    """What the reports of this process said of each test; where workers run them, the controller's are all."""

    def __init__(self) -> None:
        self.tests: dict[str, Seen] = {}
        """By its id."""
        self.first_s: dict[tuple[str, str], float] = {}
        """When a situation's first verdict of a kind came, in monotonic seconds. What is unknown is none, nor what only advises."""

    def test(self, nodeid: str) -> Seen:
        """What is known of it."""
        return self.tests.setdefault(nodeid, Seen(nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """One phase of one test, as it was made: whoever changes a report on its way changes it for the others."""
        test, said = self.test(report.nodeid), dict(report.user_properties)
        for name, value in report.user_properties:
            if name != FIGURES:
                test.properties[name] = value
            elif report.when == "call":
                test.figures.append(cast("Mapping[str, Any]", value))
        test.duration_s += report.duration
        test.body_ran = test.body_ran or report.when == "call"
        if report.failed or MESSAGE in said:  # what only advises says it as a skipped test
            test.say(*what_failed(report))
        elif report.skipped:
            test.say(Outcome.NOT_RUN, str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "skipped")
        elif report.when == "call":
            test.say(Outcome.PASSED)
        judged = report.passed or said.get(OUTCOME) == Outcome.BROKEN_CRITERION.value
        if report.when == "call" and judged and not said.get("advisory"):
            for kind in str(said.get("kind", "")).split():
                self.first_s.setdefault((str(said.get("situation", "")), kind), time.monotonic())
        yield


HEARD = pytest.StashKey[Heard]()


def tell(folder: Path, worker: str, items: Iterable[pytest.Item]) -> None:
    """Leave each test's properties in the run's folder. Where no disk takes them, a test has none until it is reported."""
    properties = {item.nodeid: dict(item.user_properties) for item in items}
    with suppress(OSError):
        _file(folder, worker).write_text(json.dumps(properties, default=str), encoding="utf-8")


def told(folder: Path, worker: str) -> dict[str, dict[str, Any]]:
    """What that worker left, by the test's id; it is gone then."""
    file = _file(folder, worker)
    try:
        found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
    except (OSError, ValueError):
        return {}
    return found


def _file(folder: Path, worker: str) -> Path:
    return folder / f".collected-{worker}.json"
