"""What turns the checks of readiness red: records, settings and answers that are not as they should be.

Each changes a text of the healthy scene (tests/readiness/scene.py). They do not meet: one session shows them all.
"""

from dataclasses import dataclass

from tests.fault_rows.row import Row

PROVEN_BY = "tests/readiness/test_checks_catch_faults.py"
BY_STEPS = "test_nothing_was_released_to_everybody_at_once"
BY_FEW = "test_few_users_tried_each_release_first"
WATCHED = "test_somebody_watches"
DRILLED = "test_every_strategy_was_drilled"
RUNBOOK = "test_the_runbook_is_kept"
ON_CALL = "test_somebody_is_on_call"
POSTMORTEMS = "test_every_rollback_has_its_postmortem"
CAUSES = "test_root_causes_were_found"
CONTACTS = "test_somebody_answers_each_contact"
LINKS = "test_links_lead_somewhere"
TOKENS = "test_tokens_will_last"
WORKFLOWS = "test_schedules_still_run"
WAIVERS = "test_somebody_answers_for_each_waiver"
EXCHANGE = "test_no_user_notices_an_exchange"


@dataclass(frozen=True)
class ReadinessRow(Row):
    """One text of one file of the scene is another one."""

    file_changed: str = ""
    old: str = ""
    new: str = ""

    @property
    def planted(self) -> str:
        """What is not as it should be."""
        return f"{self.file_changed}: {_line(self.old)} becomes {_line(self.new)}"


def _line(text: str) -> str:
    return " ".join(text.split()) or "nothing"


def _row(identifier: str, file: str, old: str, new: str, words: str, *red: str) -> ReadinessRow:
    return ReadinessRow(
        identifier,
        "",
        frozenset(red),
        words,
        select="readiness",
        elsewhere=PROVEN_BY,
        file_changed=file,
        old=old,
        new=new,
    )


_SETTINGS, _GITHUB, _JOURNAL = "settings.toml", "github.json", "ramp.jsonl"

TOGETHER: list[ReadinessRow] = [
    _row(
        "release-to-everybody",
        _JOURNAL,
        '"stage": "RA-1", "of": "stable"',
        '"stage": "RA-4", "of": "stable"',
        "went to 100 % of the users in its first step",
        BY_STEPS,
        BY_FEW,
    ),
    _row(
        "ramp-taken-over",
        _JOURNAL,
        '"event": "started", "release": "candidate"',
        '"event": "adopted", "release": "candidate"',
        "its ramp was taken over in the middle",
        BY_FEW,
    ),
    _row("watch-stopped", "watch.jsonl", "<s -2 min>", "<s -2 h>", "(at most 60 min)", WATCHED),
    _row(
        "drills-too-old",
        "drills.json",
        '"started": {"iso": "<iso -1 d>"',
        '"started": {"iso": "<iso -40 d>"',
        "no drill ended with GO in the last",
        DRILLED,
    ),
    _row(
        "drill-failed",
        "later-drill.json",
        '"INCONCLUSIVE"',
        '"NO-GO"',
        "feature-flag: the newest drill failed",
        DRILLED,
    ),
    _row("runbook-page-missing", "runbook.md", '<a id="contacts"></a>', "", "no page for EC-1, EC-2", RUNBOOK),
    _row("runbook-not-reviewed", "plan.toml", "<day -1 d>", "<day -60 d>", "and again due on", RUNBOOK),
    _row("nobody-on-call", "on-call.ics", "RRULE:FREQ=DAILY\r\n", "", "nobody from", ON_CALL),
    _row(
        "postmortem-unfinished",
        "a.md",
        "Finished (UTC): <iso -19 d>",
        "Finished (UTC): _For people to fill in._",
        "a.md is not filled in",
        POSTMORTEMS,
    ),
    _row("postmortem-missing", "c.md", "run-c", "run-x", "run-c: has none", POSTMORTEMS, CAUSES),
    _row("root-cause-late", "b.md", "<iso -479 h>", "<iso -470 h>", "root causes of real rollbacks: run-b", CAUSES),
    _row("contact-without-people", _SETTINGS, 'EC-2 = ["Ben"]', "", "EC-2: nobody is named in", CONTACTS),
    _row("contact-away", _SETTINGS, 'absent = ""', 'absent = "Cleo"', "EC-1: without Cleo nobody answers", CONTACTS),
    _row("link-gone", _GITHUB, '"/dashboard": [200', '"/dashboard": [404', "/dashboard answers 404", LINKS),
    _row("token-about-to-end", _GITHUB, "<iso +60 d>", "<iso +3 d>", "(at least 14 d)", TOKENS),
    _row("workflow-switched-off", _GITHUB, '"active"', '"disabled_inactivity"', "GitHub switched it off", WORKFLOWS),
    _row(
        "waiver-of-nobody",
        _SETTINGS,
        'approved_by = "Ada"',
        'approved_by = "provisional, to be confirmed"',
        "nobody has accepted it",
        WAIVERS,
    ),
    _row(
        "exchange-was-bad",
        "exchange.json",
        '"outcome": "passed"',
        '"outcome": "broken criterion"',
        "the newest exchange of releases on record: run-exchange (staging): bad",
        EXCHANGE,
    ),
]
"""Planted together in one session."""
NOTICED = Row(
    "exchange-noticed",
    "code-errors",
    frozenset({EXCHANGE}),
    "answers while a release was exchanged:",
    {"share": 0.3},
    select="readiness",
    elsewhere="tests/readiness/test_sessions.py",
)
"""Planted while a sandbox exchanges a release."""
ROWS: list[Row] = [*TOGETHER, NOTICED]
