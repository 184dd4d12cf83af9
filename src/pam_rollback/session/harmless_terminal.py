"""What pytest prints passes through here: headers, warnings, failures and our own lines alike."""

import re
from typing import Any, Final

import pytest

from pam_rollback.base.outside_text import for_terminal
from pam_rollback.session import runbook as runbook_module

_RENEWS: Final = re.compile(r"(?:\x1b\[[\d;]*m)*\r")


class HarmlessFile:
    """A stream that shows text from outside as it is and does not obey it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._in_a_line = False

    def write(self, text: str) -> int:
        """Write the text, made harmless. A carriage return at its beginning is pytest's own: it renews its line of progress."""
        began = _RENEWS.match(text) if "\n" not in text else None
        renews = began.group() if began else ""
        clean = for_terminal(text[len(renews) :], in_a_line=self._in_a_line and not renews)
        line = clean.rpartition("\n")[2]
        self._in_a_line = bool(line.strip()) or (self._in_a_line and "\n" not in clean and not renews)
        self._stream.write(renews + clean)
        return len(text)

    def command(self, line: str) -> None:
        """An order to the CI runner that is meant as one: a line of its own, whoever made it has made what it quotes harmless."""
        self._stream.write(f"\n{line}\n" if self._in_a_line else f"{line}\n")
        self._in_a_line = False

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Stand between pytest and its terminal, in sessions of the runbook."""
    if runbook_module.of(config) is None or config.pluginmanager.get_plugin("terminalreporter") is None:
        return
    writer: Any = config.get_terminal_writer()
    writer._file = HarmlessFile(writer._file)  # noqa: SLF001 - pytest offers no other way to all that it prints
