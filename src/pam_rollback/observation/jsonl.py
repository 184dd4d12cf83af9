"""Files of one JSON object per line, written by one process while others read them."""

import json
import os
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import MeasurementFailed

_OWNER_ONLY = 0o600


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
    """Reads such a file bit by bit. A last line that is only half written is left for the next time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._lines = 0

    def new(self) -> list[dict[str, Any]]:
        """Give the objects that came since the last call.

        Raises MeasurementFailed when there is no such file or a complete line is not a JSON object.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:
            raise MeasurementFailed(
                f"{self.path}: there is no such file; was the process that writes it started?"
            ) from None
        end = text.rfind(b"\n") + 1
        records = [self._parsed(line, number) for number, line in enumerate(text[:end].splitlines(), self._lines + 1)]
        self._offset += end
        self._lines += len(records)
        return records

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise MeasurementFailed(
                f"{self.path}, line {number}: expected a JSON object, found {line[:60]!r}: the record is damaged"
            )
        return record
