"""Can a person read the terminal summary?  Compared with texts that a person has read and found good."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.report import wording
from pam_rollback.report.run_record import EnvironmentFacts, Measured, RunRecord
from pam_rollback.report.scorecard import render
from pam_rollback.report.verdict import Outcome

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def records(good_record: RunRecord, bad_record: RunRecord) -> dict[str, RunRecord]:
    """The records by name."""
    return {"good": good_record, "bad": bad_record}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["good", "bad"])
def test_the_summary_reads_as_approved(records: dict[str, RunRecord], name: str, width: int) -> None:
    """Every line is as it was approved; a change is seen and read before it is committed."""
    text = "\n".join(render(records[name], width, color=False, ascii_only=False)) + "\n"

    assert text == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 72, 80, 120])
def test_lines_fit(records: dict[str, RunRecord], width: int) -> None:
    """Only a path or a test's id, which cannot be broken, may be longer than the terminal is wide."""
    for record in records.values():
        for line in render(record, width, color=False, ascii_only=False):
            longest_word = max(map(len, line.split()), default=0)
            assert len(line) <= max(width, 72) or longest_word + 16 >= len(line), line
            assert line == line.rstrip()


def test_the_verdict_is_the_last_line(records: dict[str, RunRecord]) -> None:
    """``tail -1`` is the verdict."""
    lines = render(records["good"], 200, color=False, ascii_only=False)

    assert lines[-1] == "REHEARSAL GO  sandbox 127.0.0.1:41233  release 1.42.0, 3 of 3 in 38 s"


def test_a_crowd_of_the_same_good_figure_is_one_row(good_record: RunRecord) -> None:
    """Eight checks that found the same are told together, with all their rows; the one that found something stands alone."""
    of_check = replace(good_record.results[0], kind="integrity", criteria=("SC-4",))
    clean = [
        replace(
            of_check,
            nodeid=f"checks/{name}.sql::test",
            measured=(Measured(f"name-{name}", "none", 0, "rows", 10 + ord(name)),),
        )
        for name in "abcdefgh"
    ]
    dirty = replace(
        of_check,
        nodeid="checks/i.sql::test",
        outcome=Outcome.BROKEN_CRITERION,
        measured=(Measured("name-i", "none", 3, "rows", 10),),
    )

    lines = render(replace(good_record, results=(*clean, dirty)), 200, color=False, ascii_only=False)
    blind = replace(clean[0], measured=(Measured("name-a", "none", 0, "rows", 0),))
    with_blind = render(replace(good_record, results=(blind, *clean[1:])), 200, color=False, ascii_only=False)
    few = render(replace(good_record, results=(*clean[1:], dirty)), 200, color=False, ascii_only=False)

    rows = [" ".join(line.split()) for line in lines]
    (crowd,) = (row for row in rows if "name-a and 7 more" in row)
    assert f"0 rows {10 + ord('a')} " in crowd, "the fewest rows that one of them looked at"
    assert crowd.endswith("ok")
    assert any("name-i" in row and row.endswith("BROKEN") for row in rows)
    assert not any("more" in line for line in few), "seven of them still have a row each"
    assert not any("more" in line for line in with_blind), "whoever looked at no row stands alone"


def test_cases_that_passed_share_a_row_and_others_do_not(good_record: RunRecord) -> None:
    """A test with a dozen green cases is one line; a case that is not green is one of its own, and so are figures."""
    of_test = replace(
        good_record.results[0], nodeid="checks/test_a.py::test_a[x]", title="Pages can be read", measured=()
    )
    passed = [replace(of_test, nodeid=f"checks/test_a.py::test_a[{name}]") for name in "abc"]
    broken = replace(of_test, nodeid="checks/test_a.py::test_a[d]", outcome=Outcome.BROKEN_CRITERION)
    other = replace(of_test, nodeid="checks/test_a.py::test_b[a]")

    lines = render(replace(good_record, results=(*passed, broken, other)), 120, color=False, ascii_only=False)

    rows = [" ".join(line.split()) for line in lines if "Pages can be read" in line and "-" in line]
    assert [row.partition(" - ")[0].partition(" ")[2] for row in rows if row.endswith(" ok")] == [
        "Pages can be read (3 cases)",
        "Pages can be read",
    ]
    assert len([row for row in rows if row.endswith("BROKEN")]) == 1


def test_colours_only_add_colour(records: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    """With colours the text is the same; NO_COLOR turns them off whatever the terminal can do."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for record in records.values():
        plain = render(record, 80, color=False, ascii_only=False)
        colored = render(record, 80, color=True, ascii_only=False)
        assert colored != plain
        assert [re.sub(r"\033\[[0-9;]*m", "", line) for line in colored] == plain

        with monkeypatch.context() as context:
            context.setenv("NO_COLOR", "1")
            assert render(record, 80, color=True, ascii_only=False) == plain


def test_a_terminal_without_unicode_gets_ascii(records: dict[str, RunRecord]) -> None:
    """On an ASCII terminal nothing fails and the lines stay aligned."""
    for record in records.values():
        assert "\n".join(render(record, 80, color=False, ascii_only=True)).isascii()


def test_verdict_lines(good_record: RunRecord, bad_record: RunRecord) -> None:
    """The line says what was judged, where, how much of it, and why it is not GO."""
    production = EnvironmentFacts("production", "www.example.org", "production")
    health = replace(good_record, environment=production, scope="health")
    offline = replace(
        good_record, environment=production, verdict="INCONCLUSIVE", reasons=("we are offline",), results=()
    )
    planned = replace(good_record, verdict="PLANNED")

    assert wording.verdict_line(health) == "GO for health  production www.example.org  release 1.42.0, 3 of 3 in 38 s"
    assert wording.verdict_line(offline) == (
        "INCONCLUSIVE  production www.example.org  release 1.42.0, 0 of 0 in 38 s: we are offline"
    )
    assert wording.verdict_line(planned).startswith("PLANNED  sandbox")
    assert wording.verdict_line(bad_record) == (
        "NO-GO  staging staging.example.org  release unknown, 6 of 7 in 38 s: "
        "1 criterion broken, 1 test could not measure, 1 test not run"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.0021, "0.0021 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (3725, "1 h 2 min")],
)
def test_durations(seconds: float, words: str) -> None:
    """Times are said as people say them."""
    assert wording.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "s", "-"),
        ("yes", "", "yes"),
        (0, "", "0"),
        (1918.7, "ms", "1919 ms"),
        (0.1333, "%", "0.1333 %"),
        (2e6, "", "2000000"),
    ],
)
def test_figures(value: float | str | None, unit: str, words: str) -> None:
    """Figures have their unit and no more digits than mean something."""
    assert wording.figure(value, unit) == words
