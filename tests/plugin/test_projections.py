"""One record, many views: terminal, page, job summary, annotations, message, JUnit, Allure and exit code say the same of a session.

Sessions of the real plug-in: a project with a handful of tests whose outcomes hypothesis draws, collected once and run again and again;
and a few with two workers, each of which starts as people start it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pam_rollback.report import job_summary, scorecard_page, wording
from pam_rollback.report.run_record import read
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode
from tests.selection import WHOLE
from tests.sessions import SCREEN, Collected, Finished, Project, RunningSandbox, runbook_in

CASES = 60 if os.environ.get(WHOLE) else 6
WITH_WORKERS = 12
"""Sessions with workers that are drawn at night; on a commit those that are written out are enough: each takes seconds."""
PLAYED = '''
import json
import os
import pathlib
import pytest
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UndoFailed
from pam_rollback.plugin.classification import KNOWN

DRAWN = pathlib.Path("drawn.json")
RAISES = {
    "broken": AssertionError("red: a figure that is too high"),
    "unknown": MeasurementFailed("nobody answers"),
    "defect": KeyError("oops"),
    "action": ActionFailed("it was not done"),
    "undo": UndoFailed("it was not put back"),
}
AND_THEN = {
    "known": {"teardown": MeasurementFailed("nobody answers any more")},
    "twice": {"body": AssertionError("red: a figure that is too high"), "teardown": UndoFailed("it was not put back")},
}
"""What ends badly once more, when it is drawn for the teardown."""


def play(name, part):
    outcome, where = json.loads(DRAWN.read_text())[name]
    if outcome in AND_THEN:
        error = AND_THEN[outcome].get(part)
        if error is not None and (part == "body" or where == "teardown"):
            raise error
    elif where == part and outcome in RAISES:
        raise RAISES[outcome]
    if where == part and outcome == "skipped":
        pytest.skip("later")
    if where == part and outcome == "dies":
        os._exit(1)


@pytest.fixture
def around(request):
    name = request.function.__name__
    if json.loads(DRAWN.read_text())[name][0] == "known":
        request.node.user_properties.append((KNOWN, "it was so before; R. Ramp answers for it"))
    play(name, "setup")
    yield lambda part: play(name, part)
    play(name, "teardown")
'''
TEST = '''"""Is it?"""
import pytest
{marks}
def test_{name}(around):
    """It is so: {name}."""
    around("body")
'''
TESTS = {
    "first": ("SC-1",),
    "second": ("SC-4", "POST-2"),
    "third": ("HC-2",),
    "fourth": ("RTO-5",),
    "advisory": ("EM-1",),
    "manual": ("POST-5",),
}
MARKS = {"advisory": "@pytest.mark.advisory", "manual": "@pytest.mark.advisory\n@pytest.mark.checklist"}
_ID = re.compile(r"\b[A-Z]+-\d+\b")
RED, BLIND = {"broken criterion", "action failed", "undo failed", "refused"}, {"could not measure"}
ONLY_TOLD = {"broken criterion", "could not measure"}


@dataclass(frozen=True)
class Seen:
    """What each view says of one session."""

    code: int
    record: dict[str, Any]
    terminal: str
    summary: str
    junit: ET.Element
    allure: list[dict[str, Any]]
    message: str
    """What a channel would get."""
    page: str
    """The report's first page, made of the record that was written."""

    def bad_of_the_record(self) -> set[str]:
        """The tests that are not good and decide."""
        return {
            one["nodeid"].rpartition("::")[2].partition("[")[0]
            for one in self.record["results"]
            if one["outcome"] in RED | BLIND and not one["advisory"]
        }

    def told_of_the_record(self) -> dict[str, str]:
        """Tests that found what decides nothing: advice, a person's matter, what was known before; with what they found."""
        return {
            one["nodeid"].rpartition("::")[2].partition("[")[0]: one["message"]
            for one in self.record["results"]
            if one["outcome"] == "known before" or (one["advisory"] and one["outcome"] in ONLY_TOLD)
        }

    def of_junit(self, *children: str) -> dict[str, tuple[set[str], str]]:
        """Tests with such a child: the plan items of each, and what the child says."""
        found = {}
        for case in self.junit.iter("testcase"):
            said = [child for name in children if (child := case.find(name)) is not None]
            if said:
                items = {one.get("value") for one in case.iter("property") if one.get("name") == "criterion"}
                name = str(case.get("name")).partition("[")[0]
                found[name] = ({item for text in items for item in str(text).split()}, str(said[0].get("message")))
        return found

    def of_allure(self, *statuses: str) -> dict[str, tuple[set[str], str]]:
        """The same of its results."""
        return {
            one["fullName"].rpartition("#")[2]: (
                {label["value"] for label in one["labels"] if label["name"] == "criterion"},
                str(one.get("statusDetails", {}).get("message")),
            )
            for one in self.allure
            if one["status"] in statuses
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A file for each test, so that workers share them."""
    project = runbook_in(tmp_path_factory.mktemp("projections"))
    project.write("checks/conftest.py", (project.folder / "checks/conftest.py").read_text("utf-8") + PLAYED)
    for name, ids in TESTS.items():
        marks = "\n".join(filter(None, (f"@pytest.mark.criterion{ids!r}".replace(",)", ")"), MARKS.get(name, ""))))
        project.write(f"checks/test_{name}.py", TEST.format(marks=marks, name=name))
    project.write("drawn.json", "{}")
    project.environment["GITHUB_ACTIONS"] = "true"
    project.environment["GITHUB_STEP_SUMMARY"] = str(project.folder / "summary.md")
    return project


@pytest.fixture(scope="module")
def arguments(shared_range: RunningSandbox) -> tuple[str, ...]:
    """Of a session of these tests."""
    shared_range.as_it_was()
    return (SCREEN, *(f"checks/test_{name}.py" for name in TESTS), f"--env={shared_range.file}")


@pytest.fixture(scope="module")
def collected(project: Project, arguments: tuple[str, ...]) -> Iterator[Collected]:
    """A session that stands before its first test."""
    held = project.collected(*arguments)
    yield held
    held.close()


OUTCOMES = ("good", "broken", "unknown", "defect", "action", "undo", "skipped", "known", "twice")
ONE_OF_ALL = tuple((outcome, place) for outcome in OUTCOMES for place in ("body", "setup", "teardown"))
DIES = (("dies", "body"), ("dies", "setup"))
"""Its process does: only where that is a worker."""


def drawn(*more: tuple[str, str]) -> st.SearchStrategy[dict[str, tuple[str, str]]]:
    """What comes of each test; many that are all good, too: a GO is what this is about."""
    told = [one for one in ONE_OF_ALL if one[1] == "body" and one[0] not in {"undo", "action"}]
    hardly = [("good", "body"), ("good", "body"), ("known", "body")]
    return st.fixed_dictionaries(
        {f"test_{name}": st.sampled_from([*ONE_OF_ALL, *more]) for name in TESTS}
    ) | st.fixed_dictionaries({f"test_{name}": st.sampled_from(told if name in MARKS else hardly) for name in TESTS})


def seen(project: Project, outcomes_drawn: dict[str, tuple[str, str]], run: Callable[[], Finished]) -> Seen:
    """One session, and all that it left."""
    summary = project.folder / "summary.md"
    summary.write_text("", encoding="utf-8")
    (project.folder / "drawn.json").write_text(json.dumps(outcomes_drawn), encoding="utf-8")
    ended = run()
    return Seen(
        ended.rc,
        ended.record,
        ended.out,
        summary.read_text(encoding="utf-8"),
        ET.parse(ended.folder / "junit.xml").getroot(),  # noqa: S314 - our own file
        [json.loads(path.read_text("utf-8")) for path in Path(ended.folder, "allure-results").glob("*-result.json")],
        job_summary.in_short(read(ended.folder / "run.json")),
        scorecard_page.render(read(ended.folder / "run.json")),
    )


def every(**others: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """These, and all else is good."""
    return {f"test_{name}": others.get(name, ("good", "body")) for name in TESTS}


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes_drawn=drawn())
@example({f"test_{name}": ("broken" if name in MARKS else "good", "body") for name in TESTS})
@example({f"test_{name}": ("good" if name == "first" else "known", "body") for name in TESTS})
@example({f"test_{name}": ("twice" if name in {"advisory", "third"} else "known", "teardown") for name in TESTS})
@example({f"test_{name}": ("defect" if name == "manual" else "good", "teardown") for name in TESTS})
def test_all_views_say_the_same(
    project: Project, collected: Collected, outcomes_drawn: dict[str, tuple[str, str]]
) -> None:
    """A GO has nothing failed, broken or in error anywhere; anything else names the same tests and criteria in all of them."""
    agree(seen(project, outcomes_drawn, collected.run))


phases = [Phase.explicit, Phase.generate] if os.environ.get(WHOLE) else [Phase.explicit]


@settings(
    max_examples=WITH_WORKERS, phases=phases, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(outcomes_drawn=drawn(*DIES))
@example(every(second=("known", "body"), advisory=("broken", "body"), manual=("unknown", "setup")))
@example(
    every(
        first=("broken", "body"), second=("defect", "setup"), third=("broken", "teardown"), fourth=("skipped", "body")
    )
)
@example(
    every(
        first=("twice", "teardown"),
        second=("action", "body"),
        third=("dies", "body"),
        advisory=("dies", "setup"),
        manual=("known", "teardown"),
    )
)
def test_all_views_say_the_same_of_what_workers_did(
    project: Project, arguments: tuple[str, ...], outcomes_drawn: dict[str, tuple[str, str]]
) -> None:
    """With ``-n 2``, too; also of a test whose process died."""
    agree(seen(project, outcomes_drawn, lambda: project.run(*arguments, "-n", "2")))


def agree(one: Seen) -> None:
    """All views of one session."""
    word, bad = one.record["verdict"], one.bad_of_the_record()
    ids = {identifier for name in bad for identifier in TESTS[name.removeprefix("test_")]}
    screen = one.terminal[one.terminal.index("REHEARSAL ") :]
    shown = set(_ID.findall("\n".join(_entries(screen))))
    told = set(_ID.findall(_section(one.summary, "### Problems")))

    assert one.code == one.record["exit_code"]
    assert word == VERDICT_WORDS[ExitCode(one.code)]
    assert screen.startswith(f"REHEARSAL {word} ")
    assert f"REHEARSAL {word} " in one.summary.splitlines()[0].replace("\\", "")
    written = re.findall(r"^::(\w+) title=([^:]*)::(.*)$", one.terminal, re.MULTILINE)
    notes = [tuple(map(unquote, note)) for note in written]
    level = {"GO": "notice", "INCONCLUSIVE": "warning"}.get(word, "error")
    assert notes[0] == (level, one.message.partition("  ")[0], one.message)
    assert one.message.startswith(f"REHEARSAL {word} ")
    assert {found for _, title, _ in notes for found in _ID.findall(title)} == ids
    assert set(_ID.findall(one.message.partition("not good: ")[2].partition(". ")[0])) == ids, one.message
    for view in (one.of_junit("failure", "error"), one.of_allure("failed", "broken")):
        assert set(view) == bad
        assert {item for items, _ in view.values() for item in items} == ids
    skipped = one.of_junit("skipped")
    for name, (_, why) in one.of_allure("skipped").items():
        assert skipped[name][1] == why
    for name, found in one.told_of_the_record().items():
        assert skipped[name][1].endswith(f": {wording.without_own_word(found)}")
    for result in one.record["results"]:
        assert result["outcome"] != "undo failed" or result["message"].endswith("it was not put back")
        assert tuple(result["criteria"]) == TESTS[result["nodeid"].rpartition("::test_")[2].partition("[")[0]]
    assert shown == ids, screen
    assert told == ids, one.summary
    assert set(_ID.findall(_problems_of(one.page))) == ids, _problems_of(one.page)
    if word == "GO":
        assert not bad
        assert 'id="problems"' not in one.page
        assert not re.search(r"BROKEN|UNKNOWN|FAILED|could not", one.terminal), one.terminal
        assert (one.junit[0].get("failures"), one.junit[0].get("errors")) == ("0", "0")


def _entries(screen: str) -> list[str]:
    """The lines that name what is not good."""
    found, inside = [], False
    for line in screen.splitlines():
        if re.match(r"  (BROKEN|UNKNOWN|ACTION FAILED|UNDO FAILED|REFUSED) ", line):
            inside = True
        elif not line.startswith("    ") or re.match(r"  \w", line):
            inside = False
        if inside:
            found.append(line.partition("It is so")[0])
    return found


def _problems_of(page: str) -> str:
    """What the page names as not good: words and plan items in front of each title."""
    return " ".join(re.findall(r'<div class="problem[^>]*>(.*?)<strong>', page, re.DOTALL))


def _section(text: str, heading: str) -> str:
    _, _, after = text.partition(heading)
    return re.sub(r"\\(.)", r"\1", after.partition("\n### ")[0])
