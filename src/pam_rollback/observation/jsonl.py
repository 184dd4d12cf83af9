"""Files of one JSON object per line, written by one process while others read them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pam_rollback.base.answer import BYTES_MAX, NotJson, read_json
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut

_OWNER_ONLY = 0o600
_BLOCK_BYTES = 1 << 20
_LINE_BYTES_MAX = BYTES_MAX
"""A longer line was not written by us; without this bound one without an end would be read whole, however long."""


class LineWriter:
    """Appends one object per line to a new file that only its owner can read.

    FileExistsError when the file is there already.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, _OWNER_ONLY)

    def write(self, record: dict[str, Any], *, durable: bool = False) -> None:
        """Append the record at once; ``durable`` returns only when it would survive a crash of the machine."""
        line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
        while line:
            line = line[os.write(self._file, line) :]
        if durable:
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class LineReader:
    """Reads such a file bit by bit. A last line that is only half written is left for the next time.

    However long the file is, no more than a block of it is held at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._lines = 0

    def _blocks(self) -> Iterator[bytes]:
        """Give the whole lines that came since the last call, in blocks of about a megabyte.

        A block counts as read when the next one is asked for: what raised an error is met again the next time.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            raise MeasurementFailed(
                f"{self.path}: there is no such file; was the process that writes it started?"
            ) from None
        size = _BLOCK_BYTES
        with file:
            while True:
                file.seek(self._offset)
                text = file.read(size)
                end = text.rfind(b"\n") + 1
                if not end and len(text) < size:
                    return
                if not end:
                    if size > _LINE_BYTES_MAX:
                        raise MeasurementFailed(
                            f"{self.path}, line {self._lines + 1}: expected a line of at most {_LINE_BYTES_MAX} bytes, found no end of it: "
                            "the record is damaged"
                        )
                    size *= 2  # one line is longer than that
                    continue
                yield text[:end]
                self._offset += end
                self._lines += text.count(b"\n", 0, end)

    def records(self) -> Iterator[dict[str, Any]]:
        """Give the objects that came since the last call, one by one.

        Raises MeasurementFailed when there is no such file or a complete line is not a JSON object.
        """
        for block in self._blocks():
            yield from [self._parsed(line, number) for number, line in enumerate(block.splitlines(), self._lines + 1)]

    def new(self) -> list[dict[str, Any]]:
        """Give the objects that came since the last call, all at once. Raises as ``records`` does."""
        return list(self.records())

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            record, why = read_json(line), ""
        except NotJson as error:
            record, why = None, f" ({error})"
        if not isinstance(record, dict):
            found = cut(line.decode("utf-8", "replace"), 60)
            raise MeasurementFailed(
                f"{self.path}, line {number}: expected a JSON object, found {found!r}{why}: the record is damaged"
            )
        return record
