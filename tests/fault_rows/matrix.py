"""All rows together, and as the table that people read: ``python -m tests.fault_rows.matrix`` writes it."""

import ast
import importlib
import sys
from pathlib import Path

from tests.fault_rows.readiness import BY_A_PERSON
from tests.fault_rows.row import Row
from tests.fault_rows.todays_product import REAL, TODAY
from tests.fault_rows.watch import SAW

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "reports" / "reference" / "fault-matrix.md"
"""Not committed: a release has it."""
OF_THEIR_OWN = {
    "test_checklist.py": "tests/notify/test_checklist.py",
    "test_preflight.py": "tests/decision/test_preflight.py",
    "test_alerting.py": "tests/alerts/test_sessions.py",
    "test_doctor.py": "tests/connect/test_doctor_sessions.py",
}
"""Files of ``checks/`` whose tests are turned red by a missing fact rather than by a fault: where each of them is seen red."""
VOUCHED = {
    BY_A_PERSON: "tests/readiness/test_sessions.py",
    "test_servers_record_of_the_load_agrees": "tests/load/test_load_gate.py",
}
"""Checks of a person's word: without it they are not known. Where that is seen."""
NEVER_RED = frozenset({SAW})
"""Checks of whether something was seen: without that they are not known."""
_NO_ROWS = {"__init__", "row", "decision_row", "matrix"}
_HEAD = """# The fault matrix

Every check of `checks/`, and the faults of the sandbox that have turned it red. A check that was never seen red is decoration, so a
check without a row fails the build: `tests/test_checks_catch_faults.py` plants each fault, expects exactly these checks to fail and
every other check of the same session to pass; the sandbox has to be as it was afterwards. `make test` runs the rows that need neither
a browser nor a window nor a rollback, and some of the others. It plants those at once whose faults do not meet, and one session has
to show each of them; `make test-all` plants every one alone, every night. The decision's are run by `tests/test_decision_matrix.py`,
the load gate's by `tests/load/test_load_gate.py`; those of readiness and of the watch stand in
`tests/readiness` and `tests/watch`.

"Not done": a step of the rollback itself fails under this fault, and every test that asks for it says so (ACTION FAILED).

`make matrix` writes this page from the rows; each release has it.
"""


def rows() -> list[Row]:
    """Every row of every kind of check."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NO_ROWS)
    return [row for name in modules for row in importlib.import_module(f"tests.fault_rows.{name}").ROWS]


def checks_on_disk() -> set[str]:
    """The names of all checks that faults turn red: test functions, of the load gate too, and an SQL file each."""
    others = {name for file in OF_THEIR_OWN for name in names_in(ROOT / "checks" / file)}
    return (
        _tests_in("checks")
        | names_in(ROOT / "load" / "test_load.py")
        | {f"test_{path.stem.replace('-', '_')}" for path in (ROOT / "checks").rglob("*.sql")}
    ) - {*others, *VOUCHED}


def stories_on_disk() -> set[str]:
    """The names of the stories' own tests, which a row of an after-situation turns red as well."""
    return _tests_in("drills")


def names_in(path: Path) -> set[str]:
    """The names of the tests in a file; none where there is no such file."""
    source = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _tests_in(folder: str) -> set[str]:
    return {name for path in (ROOT / folder).rglob("*.py") for name in names_in(path)}


def page() -> str:
    """The table, by fault and by check."""
    lines = [_HEAD, "## By check", "", "| check | turned red by |", "|---|---|"]
    by_check: dict[str, list[str]] = {}
    for row in rows():
        for check in sorted(row.red | row.unknown | row.undone):
            mark = " (cannot be measured)" if check in row.unknown else " (not done)" if check in row.undone else ""
            by_check.setdefault(check, []).append(f"`{row.id}`{mark}")
    first: set[str] = set()
    for check, faults in sorted(by_check.items()):
        name = check.partition("[")[0]  # the report links to the check, whatever its case
        anchor = "" if name in first else f'<a id="{name}"></a>'
        first.add(name)
        lines.append(f"| {anchor}`{check}` | {', '.join(faults)} |")
    for file, where in OF_THEIR_OWN.items():
        lines += [
            f'| <a id="{name}"></a>`{name}` | a missing fact, in `{where}` |'
            for name in sorted(names_in(ROOT / "checks" / file))
        ]
    lines += [f'| <a id="{name}"></a>`{name}` | no person\'s word, in `{where}` |' for name, where in VOUCHED.items()]
    lines += ["", "## By fault", "", "| row | fault | selected | red | says |", "|---|---|---|---|---|"]
    for row in rows():
        red = ", ".join(f"`{name}`" for name in sorted(row.red))
        undone = f"not done: {', '.join(f'`{name}`' for name in sorted(row.undone))}" if row.undone else ""
        situation = f" --situation {row.situation}" if row.situation else ""
        # A file of checks is whole in itself; the gate's load test is one file, and its marker stands beside it.
        marked = not row.file or row.folder != "checks"
        selected = " ".join(
            filter(
                None,
                (f"-m '{row.select}'{situation}" if marked else "", f"{row.folder}/{row.file}" if row.file else ""),
            )
        )
        unknown = f"cannot be measured: {', '.join(f'`{name}`' for name in sorted(row.unknown))}" if row.unknown else ""
        seen = "; ".join(filter(None, (red, unknown, undone)))
        lines.append(f"| `{row.id}` | `{row.planted}` | `{selected}` | {seen} | “{row.words}” |")
    return "\n".join([*lines, "", "## Today's product, verdict by verdict", "", todays_verdicts()])


def todays_verdicts() -> str:
    """What today's product gets, healthy and under each fault; last, the real product's verdict where it was asked."""
    of_today = [row for row in rows() if row.product == TODAY]
    lines = ["| what is wrong | asked | verdict | by | says | real |", "|---|---|---|---|---|---|"]
    lines += [
        f"| nothing | `{asked}` | {_healthy(row)} | | {REAL.get(asked, '')} |"
        for asked, row in {_asked(row): row for row in of_today}.items()
    ]
    for row in of_today:
        by = ", ".join(f"`{name}`" for name in sorted(row.red | row.unknown))
        real = REAL.get(row.id, "")
        lines.append(f"| `{row.fault_with_settings}` | `{_asked(row)}` | {row.word} | {by} | “{row.words}” | {real} |")
    return "\n".join(lines) + "\n"


def _healthy(row: Row) -> str:
    known = ", ".join(f"`{name}`" for name in sorted(row.red_anyway))
    return f"NO-GO | {known}, in every release" if known else "GO | every check of it passes"


def _asked(row: Row) -> str:
    baseline = " --baseline FILE" if row.counted_before else ""
    return f"{f'checks/{row.file}' if row.file else f'-m {row.select}'}{baseline}"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(rows())} rows\n")
