"""All integrity checks on 10 million exchanges, 10 million expenses and 1 million profiles, beside other ways to ask the same.

In one run, in turns: psql counting the same tables, the plan's three queries, the checks' own predicates written by hand (one query a
table, one psql session), pgTAP and Soda with the same queries where they are installed, and the suite.

PGTAP_SQL names the extension's SQL file (pgtap--1.3.3.sql), SODA the `soda` command; without them these two are left out, and named.
"""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from integrity_parts.data import fill
from integrity_parts.server import BenchmarkServer, benchmark_server
from options_parts.command_line import size_options

from pam_rollback.target.invariants import Invariant, parse_invariant
from pam_sandbox.database import migrations

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / "benchmarks" / "integrity_parts"
CHECKS = ROOT / "checks" / "integrity"
TABLES = ("auth.users", "profiles", "user_settings", "pam_conversations", "pam_messages", "expenses", "support_tickets")
GRACE_S = 120
ROUNDS = 3
_LONGEST_S = 1800
_QUIET = {**os.environ, "SODA_CORE_TELEMETRY_ENABLED": "false"}
"""Soda waits for its maker's server otherwise, which is no part of the work."""

Contender = Callable[[], float]


def invariants() -> list[Invariant]:
    """The checks of the product's dialect."""
    found = [
        parse_invariant(path.read_text("utf-8"), source=path.name, stem=path.stem)
        for path in sorted(CHECKS.glob("*.sql"))
    ]
    return [invariant for invariant in found if "product" in invariant.dialects]


def literal(invariant: Invariant) -> str:
    """The check's query as psql takes it, its parameters filled in."""
    values = {
        "grace_s": str(GRACE_S),
        "test_user": "'00000000-0000-4000-8000-000000000000'",
        "schema_version": f"'{migrations()[-1].version}'",
        "compatible_migrations": "'{}'",
    }
    return re.sub(r"%\((\w+)\)s", lambda found: values[found.group(1)], invariant.query)


def psql(server: BenchmarkServer, script: str, *, search_path: str = "public") -> tuple[float, str]:
    """Run statements in one psql session; gives seconds and output. Ends the benchmark when one of them fails."""
    start_s = time.perf_counter()
    done = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", server.dsn],
        input=script,
        env={**os.environ, "PGOPTIONS": f"-c search_path={search_path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_S,
    )
    took_s = time.perf_counter() - start_s
    if done.returncode != 0:
        sys.exit(f"psql ended with {done.returncode}: {done.stderr}\n{script[:400]}")
    return took_s, done.stdout


def suite(server: BenchmarkServer) -> float:
    """The suite's engine in a process of its own, from its start to all verdicts; every one must hold."""
    program = PARTS / "suite.py"
    start_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(program), str(GRACE_S)],
        input=server.dsn,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_S,
    )
    took_s = time.perf_counter() - start_s
    if done.returncode != 0:
        sys.exit(f"the suite ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return took_s


def pgtap(server: BenchmarkServer) -> Contender | None:
    """The same queries as `is_empty`, in one psql session."""
    source = os.environ.get("PGTAP_SQL", "")
    if not source:
        return None
    with psycopg.connect(server.administrator_dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA tap; GRANT USAGE ON SCHEMA tap TO PUBLIC")
        text = Path(source).read_text("utf-8").replace("\\echo", "-- ").replace("@extschema@", "tap")
        connection.execute("SET search_path = tap, public")
        connection.execute(text.encode())
    checks = invariants()
    tests = "".join(f"SELECT is_empty($sql${literal(check)}$sql$, '{check.id}');\n" for check in checks)
    script = f"SELECT plan({len(checks)});\n{tests}SELECT * FROM finish(true);\n"

    def run() -> float:
        took_s, out = psql(server, script, search_path="public,tap")
        if "not ok" in out or out.count("\nok ") != len(checks):
            sys.exit(f"pgTAP did not pass all of {len(checks)}:\n{out}")
        return took_s

    return run


def soda_command() -> str:
    """The `soda` of version 4, empty when there is none; an older one ends the run before the data is made."""
    command = os.environ.get("SODA", "") or shutil.which("soda") or ""
    if command:
        known = subprocess.run([command, "contract", "--help"], capture_output=True, check=False, env=_QUIET)
        if known.returncode != 0:
            sys.exit(f"{command} knows no contracts: install soda-postgres 4, or unset SODA to leave it out")
    return command


def soda(server: BenchmarkServer, folder: Path) -> Contender | None:
    """The same queries as checks of failed rows in one contract."""
    command = soda_command()
    if not command:
        return None
    parts = urlsplit(server.dsn)
    source, contract = folder / "source.yml", folder / "contract.yml"
    source.write_text(
        "type: postgres\nname: pam\nconnection:\n"
        f"  host: {parts.hostname}\n  port: {parts.port}\n  user: {parts.username}\n  password: {parts.password}\n  database: pam\n",
        "utf-8",
    )
    lines = ["dataset: pam/pam/public/expenses", "columns:", "  - name: id", "checks:"]
    for check in invariants():
        query = "\n".join(
            f"          {line}" for line in literal(check).splitlines() if not line.strip().startswith("--")
        )
        lines += [
            "  - failed_rows:",
            f"      name: {check.id}",
            f"      qualifier: {check.id}",
            "      query: |",
            query,
        ]
    contract.write_text("\n".join(lines) + "\n", "utf-8")

    def run() -> float:
        start_s = time.perf_counter()
        done = subprocess.run(
            [command, "contract", "verify", "--data-source", str(source), "--contract", str(contract)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
            env=_QUIET,
        )
        took_s = time.perf_counter() - start_s
        if done.returncode != 0:
            sys.exit(f"soda ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
        return took_s

    return run


def contenders(server: BenchmarkServer, folder: Path) -> dict[str, Contender | None]:
    """Whoever takes part, by name; None for who is not installed."""
    counts = "".join(f"SELECT count(*) FROM {table};\n" for table in TABLES)
    sequential = f"SET max_parallel_workers_per_gather = 0; SET enable_indexscan = off; SET enable_indexonlyscan = off;\n{counts}"
    plan = (PARTS / "plan.sql").read_text("utf-8")
    by_hand = (PARTS / "by_hand.sql").read_text("utf-8")
    return {
        "(a) count(*), sequential scans": lambda: psql(server, sequential)[0],
        "    count(*), as the server plans it": lambda: psql(server, counts)[0],
        "(b) the plan's three queries": lambda: psql(server, plan, search_path="plan_tables")[0],
        "    by hand, one query a table": lambda: psql(server, by_hand)[0],
        "(c) pgTAP": pgtap(server),
        "(c) Soda": soda(server, folder),
        "the suite": lambda: suite(server),
    }


def main() -> None:
    """Measure in turns, print medians and ratios."""
    options = size_options(__doc__, scale="some 8 GB of disk, 15 minutes", rounds=ROUNDS).parse_args()
    soda_command()
    with benchmark_server() as server, tempfile.TemporaryDirectory() as folder:
        fill(server.dsn, scale=options.scale)
        found = contenders(server, Path(folder))
        written: dict[str, int] = {}
        seconds: dict[str, list[float]] = {name: [] for name, run in found.items() if run is not None}
        for _ in range(options.rounds):
            for name, run in found.items():
                if run is not None:
                    before = server.temporary_bytes()
                    seconds[name].append(run())
                    written[name] = server.temporary_bytes() - before
        _print(seconds, written, len(invariants()))
        for name, run in found.items():
            if run is None:
                print(f"{name}: not installed, not measured")
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        print(f"largest client process of the run, the suite among them: {peak_mb:.0f} MB")


def _print(seconds: Mapping[str, list[float]], written: Mapping[str, int], checks: int) -> None:
    median = {name: statistics.median(values) for name, values in seconds.items()}
    base = median["(a) count(*), sequential scans"]
    own = median["the suite"]
    print(f"\n{checks} checks; seconds, median (min-max); temporary files of the server in the last round")
    print(f"{'':36} {'seconds':>22} {'to (a)':>8} {'suite to it':>12} {'temporary':>10}")
    for name, values in seconds.items():
        spread = f"{median[name]:.2f} ({min(values):.2f}-{max(values):.2f})"
        print(
            f"{name:36} {spread:>22} {median[name] / base:>8.2f} {own / median[name]:>12.2f} {written[name] / 1e6:>7.0f} MB"
        )


if __name__ == "__main__":
    main()
