"""Results and records that are written out, and the screen that shows them."""

from dataclasses import replace
from datetime import timedelta, timezone

from rich.cells import cell_len

from pam_rollback.report.run_record import Measured, Result, RunRecord, Unanswered
from pam_rollback.report.screen import render
from pam_rollback.report.verdict import Outcome

SITUATION = "after-feature-flag"

CET = timezone(timedelta(hours=1), "CET")

TERMS = {
    "SC-1": ("Few requests fail, for long enough", Measured("error rate", "< 2 % for 900 s", 0, "%", 643, 2), "window"),
    "SC-2": ("Responses are fast", Measured("response time", "< 500 ms for 900 s", 40.4, "ms", 643, 459.6), "window"),
    "SC-3": ("Memory is low and stable", Measured("memory", "< 100 MB for 900 s", 73.2, "MB", 59, 26.8), "window"),
    "SC-4": ("No data is corrupted", Measured("rows lost since before", "none lost", 0, "rows", 10147, 0), "integrity"),
    "SC-5": ("Users see what they saw before the release", Measured("errors, against before", "+1", 0, "", 620), ""),
    "SC-6": ("Support gets as many tickets as usual", Measured("tickets in 60 min", "below 3", 0, "tickets", 32), ""),
    "RTO-1": ("Feature-flag rollback", Measured("recovery as users see it", "within 30 s", 0.03, "s", 993, 29.97), ""),
    "RTO-5": ("Complete recovery, observation included", Measured("complete recovery", "900 to 1800 s", 900, "s"), ""),
    "RPO-1": ("No data is lost", Measured("acknowledged writes lost or altered", "0", 0, "", 799), ""),
    "RPO-2": (
        "Only the newest configuration may be lost",
        Measured("settings lost", "0 older than 300 s", 0, "", 16),
        "",
    ),
    "RPO-3": ("Sessions may be lost: users sign in again", Measured("signing in again", "works", "works", "", 1), ""),
}


def result(name: str, *criteria: str, outcome: Outcome = Outcome.PASSED, **more: object) -> Result:
    """What came of a test of this drill."""
    return replace(
        Result(f"checks/test_a.py::{name}[{SITUATION}]", f"It is so: {name}.", outcome, criteria, situation=SITUATION),
        **more,  # type: ignore[arg-type]
    )


STATES = ("login", "login-error", "not-found", "home", "chat", "money", "trips", "settings", "profile")

RULES = (
    "button-name",
    "color-contrast",
    "label",
    "target-size",
    "svg-img-alt",
    "select-name",
    "reflow",
    "focus-visible",
)


def met_before(state: str, look: str, kinds: int) -> Result:
    """A page with barriers of so many kinds, all of them old, as a real product has them."""
    old = tuple(
        Unanswered("CR-4", rule, f"{rule} on *: *", 2, (f"{rule} on {state}-{look}: .{'x' * 90} > p (2)",))
        for rule in RULES[:kinds]
    )
    named = ", ".join(f"{one.kind} (2)" for one in old)
    return result(
        f"test_{look}[{state}]",
        "CR-4",
        outcome=Outcome.BROKEN_CRITERION,
        message=f"{state}-{look}: nothing new: {2 * kinds} known before, and nobody answers for them: {named}",
        runbook="docs/runbook.md#accessibility-broken",
        unanswered=old,
        nothing_new=True,
    )


def blinded(record: RunRecord, tests: int) -> RunRecord:
    """The same, and so many tests could not measure."""
    why = f"MeasurementFailed: {'the host knows nothing of it ' * 9}"
    blind = [result(f"test_blind_{n}", "SC-3", outcome=Outcome.UNKNOWN, message=f"{why}{n}") for n in range(tests)]
    return replace(record, results=(*record.results, *blind))


def shown(record: RunRecord, width: int = 80) -> list[str]:
    """The screen without colours, looked at in Paris."""
    return render(record, width, color=False, ascii_only=False, zone=CET)


def rows_of_a_terminal(lines: list[str]) -> int:
    """Of 80 columns, as another program counts them."""
    return sum(max(1, -(-cell_len(line) // 80)) for line in lines)
