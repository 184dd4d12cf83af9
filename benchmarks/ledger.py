"""The longest ledger, 115,200 acknowledged writes, verified after a loss that is known to the row, beside a plain COPY of the same rows.

A ledger's record as the product writes it, and the rows in a real PostgreSQL with the product's tables: K of them lost, L altered, M
there twice, J writes never acknowledged (half of them stored all the same), and other people's rows between. In one run, in turns: psql
copying the ledger's rows out, and the verification in a process of its own. Held against the COPY: reading the rows and judging all writes,
with the connection. Beside it the whole process, from its start, with the record of 23 MB read from its file.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from integrity_parts.server import BenchmarkServer, benchmark_server
from options_parts.command_line import size_options

from pam_rollback.ledger.rules.ledger_writes import WriteKind

ROOT = Path(__file__).resolve().parent.parent
VERIFY = ROOT / "benchmarks" / "ledger_parts" / "verify.py"
WRITES = 115_200
"""Of the longest ledger: four hours at eight a second, the rate on a sandbox."""
LOST, ALTERED, DUPLICATED, OPEN = 137, 61, 29, 600
"""K, L, M and J at scale 1; at least one of each at every scale."""
STRANGERS_PCT = 10
RUN = "bench001"
PREFIX = f"ledger-{RUN}-"
ROUNDS = 3
RATIO_MAX, MEMORY_MB_MAX = 8.0, 300
SEED = 4
_LONGEST_S = 900
_USER, _CONVERSATION = "00000000-0000-4000-8000-00000000be11", "00000000-0000-4000-8000-00000000be12"


@dataclass(frozen=True)
class Planted:
    """The truth: numbers of the writes that each fate befell."""

    acknowledged: int
    lost: frozenset[int]
    altered: frozenset[int]
    duplicated: frozenset[int]
    never_stored: frozenset[int]
    """Not acknowledged, and not there."""
    recovered: frozenset[int]
    """Not acknowledged, and there all the same."""

    @property
    def total(self) -> int:
        """All writes."""
        return self.acknowledged + len(self.never_stored) + len(self.recovered)


@dataclass(frozen=True)
class Row:
    """One write as it is in the record, and as the product stores it."""

    kind: WriteKind
    marker: str
    value: str
    amount: float


def planted(scale: float) -> Planted:
    """Choose who suffers what, by a seed."""
    acknowledged = max(int(WRITES * scale), 1000)
    counts = [max(1, round(count * scale)) for count in (LOST, ALTERED, DUPLICATED)]
    unacked = max(2, round(OPEN * scale))
    chosen = random.Random(SEED).sample(range(acknowledged + unacked), sum(counts) + unacked)  # noqa: S311 - no secret
    parts = iter(chosen)
    lost, altered, duplicated = (frozenset(next(parts) for _ in range(count)) for count in counts)
    rest = list(parts)
    half = len(rest) // 2
    return Planted(acknowledged, lost, altered, duplicated, frozenset(rest[:half]), frozenset(rest[half:]))


def row(seq: int) -> Row:
    """Write number ``seq`` as ledger/client/ledger_process.py makes it: five expenses to two messages."""
    amount = 1 + (seq * 37 % 9900) / 100
    marker = f"{PREFIX}{seq:06d}"
    if seq % 7 in {0, 1, 3, 4, 6}:
        return Row(WriteKind.EXPENSE, marker, f"{amount:.2f} fuel", amount)
    return Row(WriteKind.CHAT, marker, f"{marker}: remember {amount:.2f} dollars for this stop", amount)


def write_record(path: Path, truth: Planted) -> None:
    """Write the ledger's record, in the writer's own form, fifty writes a second."""
    unacked = truth.never_stored | truth.recovered
    with path.open("w", encoding="ascii") as file:

        def line(document: dict[str, object]) -> None:
            file.write(json.dumps(document, separators=(",", ":")) + "\n")

        line({"anchor": {"monotonic_s": 1000.0, "wall_s": 1.8e9}, "rate_hz": 50.0, "run": RUN})
        line({"sign_in": {"at_s": 1000.1, "worked": True, "why": ""}})
        for seq in range(truth.total):
            at_s, made = 1000.123456789 + seq / 50, row(seq)
            line({"sent": {"seq": seq, "kind": made.kind, "marker": made.marker, "value": made.value, "at_s": at_s}})
            if seq in unacked:
                line({"unacked": {"seq": seq, "at_s": at_s + 5, "why": "no answer within 5 s"}})
            else:
                line({"acked": {"seq": seq, "at_s": at_s + 0.004, "row_id": str(seq)}})
        line({"end": {"reason": "stdin closed", "at_s": 1000 + truth.total / 50, "writes": truth.total, "skipped": 0}})


def stored(truth: Planted) -> Iterable[Row]:
    """What the database has: every write once, but for the fates."""
    for seq in range(truth.total):
        made = row(seq)
        if seq in truth.lost or seq in truth.never_stored:
            continue
        if seq in truth.altered:
            changed = made.value.replace("dollars", "euros")
            made = Row(made.kind, made.marker, changed, made.amount + 1)
        yield made
        if seq in truth.duplicated:
            yield made


def fill(server: BenchmarkServer, truth: Planted) -> None:
    """Put the rows where the product has them, and other people's rows beside them."""
    with psycopg.connect(server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth.users (id, email, encrypted_password) VALUES (%s, 'ledger@example.net', '-')", (_USER,)
        )
        cursor.execute(
            "INSERT INTO pam_conversations (id, user_id, session_id) VALUES (%s, %s, 'ledger')", (_CONVERSATION, _USER)
        )
        with cursor.copy("COPY expenses (user_id, amount, category, description) FROM STDIN") as copy:
            for made in stored(truth):
                if made.kind is WriteKind.EXPENSE:
                    copy.write_row((_USER, f"{made.amount:.2f}", "fuel", made.marker))
            for number in range(truth.total * STRANGERS_PCT // 100):
                copy.write_row((_USER, "12.00", "food", f"ledger of number {number}"))
        with cursor.copy("COPY pam_messages (conversation_id, role, content) FROM STDIN") as copy:
            for made in stored(truth):
                if made.kind is WriteKind.CHAT:
                    copy.write_row((_CONVERSATION, "user", made.value))
                    copy.write_row((_CONVERSATION, "assistant", f"You said {made.value}"))
    with psycopg.connect(server.administrator_dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) expenses, pam_messages")


def copy_out(server: BenchmarkServer) -> tuple[float, int]:
    """Seconds of a psql that copies the ledger's rows out, whole, and how many there were."""
    queries = (
        f"SELECT * FROM expenses WHERE starts_with(description, '{PREFIX}')",
        f"SELECT * FROM pam_messages WHERE role = 'user' AND starts_with(content, '{PREFIX}')",
    )
    script = "".join(f"\\copy ({query}) TO '/dev/null'\n" for query in queries)
    start_s = time.perf_counter()
    done = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", server.dsn],
        input=script,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_S,
    )
    took_s = time.perf_counter() - start_s
    if done.returncode != 0:
        sys.exit(f"psql ended with {done.returncode}: {done.stderr}")
    return took_s, sum(int(line.removeprefix("COPY ")) for line in done.stdout.splitlines() if line.startswith("COPY "))


def verify(server: BenchmarkServer, record: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of the verification from the start of its process, and what it found."""
    start_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(VERIFY), str(record), PREFIX],
        input=server.dsn,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_S,
    )
    took_s = time.perf_counter() - start_s
    if done.returncode != 0:
        sys.exit(f"the verification ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return took_s, found


def expected(truth: Planted) -> dict[str, object]:
    """What an exact verification finds."""
    damaged = len(truth.lost) + len(truth.altered) + len(truth.duplicated)
    marked = {
        name: [row(seq).marker for seq in sorted(getattr(truth, name))] for name in ("lost", "altered", "duplicated")
    }
    return {
        "state": "damaged",
        "acknowledged": truth.acknowledged,
        "present": truth.acknowledged - damaged,
        **marked,
        "unread": 0,
        "indeterminate": len(truth.never_stored),
        "recovered": len(truth.recovered),
        "reasons": [],
    }


def main() -> int:
    """Measure in turns, print medians and ratios; 1 when a figure is not what was asked."""
    options = size_options(__doc__, scale="some 0.4 GB of disk, half a minute", rounds=ROUNDS).parse_args()
    truth = planted(options.scale)
    wanted = expected(truth)
    copied: list[float] = []
    whole: list[float] = []
    judged: list[float] = []
    peaks: list[float] = []
    parts: list[dict[str, float]] = []
    wrong: list[str] = []
    with benchmark_server() as server, tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "ledger.jsonl"
        write_record(record, truth)
        fill(server, truth)
        rows = 0
        for _ in range(options.rounds):
            took_s, rows = copy_out(server)
            copied.append(took_s)
            took_s, found = verify(server, record)
            whole.append(took_s)
            peaks.append(found.pop("peak_mb"))
            parts.append(found.pop("seconds"))
            judged.append(parts[-1]["rows"] + parts[-1]["verdict"])
            wrong += [f"{name}: {str(found[name])[:120]}" for name in wanted if found[name] != wanted[name]]
    print(
        f"{truth.acknowledged:,} acknowledged writes, {len(truth.lost)} lost, {len(truth.altered)} altered, "
        f"{len(truth.duplicated)} twice, {len(truth.never_stored) + len(truth.recovered)} unacknowledged "
        f"({len(truth.recovered)} of them stored); median of {options.rounds} rounds in turns (min-max), seconds"
    )
    print(f"found: {'exactly these, marker by marker, in every round' if not wrong else f'WRONG: {wrong}'}")
    base, peak_mb = statistics.median(copied), max(peaks)
    ratio = statistics.median(judged) / base
    print(f"psql \\copy of the same {rows:,} rows     {_spread(copied)}")
    print(f"rows read and all writes judged      {_spread(judged)}   {ratio:.2f} of it (asked: at most {RATIO_MAX:g})")
    print(f"the same from the start of a process {_spread(whole)}   {statistics.median(whole) / base:.2f} of it")
    print(f"  its parts in the last round        {parts[-1]}")
    print(f"peak memory of that process          {peak_mb:.0f} MB (asked: below {MEMORY_MB_MAX})")
    return int(bool(wrong) or ratio > RATIO_MAX or peak_mb >= MEMORY_MB_MAX)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())
