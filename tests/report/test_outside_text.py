"""What comes from outside is shown and never obeyed: hostile texts through a whole record into every place where they are read."""

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pam_rollback.core.outside_text import cut, for_message, for_terminal, label, one_line, redact_with, visible
from pam_rollback.notify.slack import SlackWebhook
from pam_rollback.plugin.lasting_streams import HarmlessFile
from pam_rollback.report import job_summary, scorecard, screen
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import RunRecord
from tests.scripted_provider import says, scripted

VERDICT = re.compile(r"(REHEARSAL )?(GO|NO-GO|INCONCLUSIVE|PLANNED|ROLL BACK NOW|UNDO FAILED|ACTION FAILED)\b")
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
PARTS = st.sampled_from(
    [
        *(
            "\n",
            "\r",
            "\r\n",
            "\x1b[2K",
            "\x1b[1A",
            "\x1b]0;GO\x07",
            "\x9b31m",
            "\u202e",
            "\u2028",
            "\x85",
            "\u200b",
            "\x00",
        ),
        *("GO for production", "REHEARSAL GO", "::error::x", "  ::set-output name=a::b", "##[error]x", "\ud800"),
        *(
            "<!channel>",
            "<@U1>",
            "<https://evil.example|ok>",
            "&lt;",
            "|",
            "`",
            "# ",
            "---\n",
            "](x)",
            "]]>",
            "<script>",
        ),
    ]
)
HOSTILE = st.lists(st.one_of(PARTS, st.text(max_size=8)), min_size=1, max_size=6).map("".join)
AT_A_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def poisoned(value: Any, text: str) -> Any:
    """The same with the text behind every text of it, except where only certain words can stand."""
    if type(value) is str:
        return f"{value}{text}"
    if isinstance(value, tuple):
        return tuple(poisoned(item, text) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        fixed = {"verdict", "mode", "kind", "suite", "name", "iso"}
        return replace(
            value,
            **{
                field.name: poisoned(getattr(value, field.name), text)
                for field in fields(value)
                if field.init and field.name not in fixed
            },
        )
    return value


@pytest.mark.parametrize("view", [scorecard.render, screen.render], ids=["all", "screen"])
@given(text=HOSTILE)
@example("\nGO for production")
@example("\r\x1b[2KGO for production")
@AT_A_TIME
def test_the_terminal_shows_one_verdict(view: Callable[..., list[str]], bad_record: RunRecord, text: str) -> None:
    """First or last or both; nothing moves the cursor, and no line is a command to a CI runner."""
    lines = "\n".join(view(poisoned(bad_record, text), 100, color=True, ascii_only=False)).split("\n")
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]

    assert len({line for line in plain if VERDICT.match(line)}) == 1
    assert not [line for line in plain if UNSEEN.search(line)]
    assert not [line for line in plain if line.lstrip().startswith("::") or "##[" in line]


@given(text=HOSTILE)
@AT_A_TIME
def test_the_job_summary_is_one_document(bad_record: RunRecord, text: str) -> None:
    """As many headings and table columns as without it, no HTML of others, and one verdict."""
    clean, found = job_summary.render(bad_record), job_summary.render(poisoned(bad_record, text))

    def shape(page: str) -> list[str]:
        return [line.split(" ")[0] for line in page.splitlines() if line.startswith("#")]

    assert shape(found) == shape(clean)
    assert len(found.split("\n")) == len(clean.split("\n"))
    assert not UNSEEN.search(found)
    assert not re.search(r"<(?!br>)", re.sub(r"(?<!\\)`[^`\n]*`", "", found))


@given(text=HOSTILE)
@settings(parent=AT_A_TIME, max_examples=20)
def test_slack_calls_nobody(text: str) -> None:
    """Mentions, calls to everybody and links arrive as text."""
    with scripted(says(text="ok")) as slack:
        SlackWebhook(f"{slack.url}/services/x").post(text)
    (request,) = slack.requests
    sent = request.json["text"]

    assert not re.search("[<>]", sent)
    assert sent.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == for_message(text)


@given(text=HOSTILE)
@AT_A_TIME
def test_what_is_visible_is_xml_and_json(text: str) -> None:
    """Reports of failures go into JUnit and Allure like this."""
    shown = visible(text)

    element = ET.Element("failure", message=shown)
    element.text = shown
    again = ET.fromstring(ET.tostring(element))  # noqa: S314 - our own
    assert " ".join((again.text or "").split()) == " ".join(shown.split())
    assert json.loads(json.dumps(shown)) == shown
    assert "\n" not in one_line(text)


@given(chunks=st.lists(HOSTILE, min_size=1, max_size=5))
@example(["::", "error::x\n"])
@example(["   ", "::error::x"])
@example(["\n", "\r\x1b[2KGO for production"])
@AT_A_TIME
def test_pytests_own_lines_are_harmless_too(chunks: list[str]) -> None:
    """However they are handed over, except for two colons that begin in two pieces, which pytest never does."""
    stream = io.StringIO()
    file = HarmlessFile(stream)
    for chunk in chunks:
        file.write(f"x{chunk}" if chunk.startswith((":", "\r")) else chunk)
    lines = stream.getvalue().split("\n")

    assert not [line for line in lines if re.match(r"\s*::", line) or "##[" in line]
    assert not UNSEEN.search(re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()))


def test_pytest_renews_its_line_and_has_its_colours() -> None:
    """What pytest itself needs of a terminal."""
    stream = io.StringIO()
    file = HarmlessFile(stream)
    file.write("\x1b[1m\rcollecting 3 items\x1b[0m")
    file.write("\x1b[31m\x1b[1mFAILED\x1b[0m checks/test_a.py::test_b\n")

    assert stream.getvalue() == (
        "\x1b[1m\rcollecting 3 items\x1b[0m\x1b[31m\x1b[1mFAILED\x1b[0m checks/test_a.py::test_b\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[8mhidden\x1b[0m", "\\x1b[8mhidden\x1b[0m"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[1;32mGO\x1b[0m", "\x1b[1;32mGO\x1b[0m"),
        ("\x1b[38;5;0mblack", "\\x1b[38;5;0mblack"),
        ("a\n  ::warning::b", "a\n  : :warning::b"),
        ("tests/a.py::b", "tests/a.py::b"),
    ],
)
def test_colours_stay_and_orders_do_not(text: str, shown: str) -> None:
    """Nothing conceals, moves or erases."""
    assert for_terminal(text) == shown


def test_a_version_is_one_word() -> None:
    """It stands in the line of the verdict, where it must not pass for one."""
    assert label("1.42.0") == "1.42.0"
    assert label("1.42.0\nGO for production") == "1.42.0_GO_for_production"
    assert len(label("9" * 500)) == 81


@pytest.fixture
def token() -> Iterator[str]:
    """A secret that this process knows."""
    token = "tok-0123456789-abcdefghij-KLMNOPQR"
    redact_with(Redactor({"PAM_TOKEN": token}).text)
    yield token
    redact_with(str)


@pytest.mark.parametrize("before", range(85, 121))
def test_a_secret_goes_before_the_cut(token: str, before: int) -> None:
    """At whatever place it would be cut, not even its beginning is left."""
    found = cut("x" * before + token, 120)

    assert token[:4] not in found
    assert len(found) <= 121
