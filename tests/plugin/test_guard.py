"""Each rule of the guard is seen refusing, and seen letting pass."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from pam_rollback.plugin.guard import RAMP_ABILITIES, Facts, _constant_flags, _undeclared, _untouched, refusals
from pam_rollback.plugin.runbook import Runbook

CHECKS_ON_PRODUCTION = Facts(
    mode="drill",
    kind="production",
    name="production",
    is_sandbox=False,
    execute=False,
    confirm="",
    reason="",
    initiated_by="",
    dry_run=False,
    pace=1.0,
    stories=(),
    distributed=False,
    setup_only=False,
    assertions_off=False,
)
DRILL_ON_SANDBOX = replace(
    CHECKS_ON_PRODUCTION, kind="sandbox", name="sandbox", is_sandbox=True, pace=60.0, stories=("feature-flag",)
)
REAL = replace(
    CHECKS_ON_PRODUCTION,
    mode="real",
    execute=True,
    confirm="production",
    reason="errors",
    initiated_by="alex",
    stories=("feature-flag",),
)
UNDAMAGED = replace(REAL, mode="drill", kind="staging", name="staging", confirm="staging", drills=True)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(CHECKS_ON_PRODUCTION, id="read-only checks on production need no consent"),
        pytest.param(DRILL_ON_SANDBOX, id="a drill on the sandbox needs none either"),
        pytest.param(replace(CHECKS_ON_PRODUCTION, kind="staging", pace=60.0), id="a pace on staging"),
        pytest.param(REAL, id="a real rollback with all that it needs"),
        pytest.param(
            replace(REAL, dry_run=True, execute=False, confirm="", reason="", initiated_by=""), id="its dry run"
        ),
        pytest.param(replace(REAL, ramp=True, stories=()), id="a ramp is the one action of its session"),
        pytest.param(replace(DRILL_ON_SANDBOX, ramp=True, stories=()), id="a ramp is rehearsed on the sandbox"),
        pytest.param(replace(CHECKS_ON_PRODUCTION, ramp=True, dry_run=True), id="a ramp's dry run"),
        pytest.param(UNDAMAGED, id="a drill without damage, where drills are declared, with all that a real one needs"),
        pytest.param(replace(UNDAMAGED, stories=(), execute=False, confirm=""), id="checks where drills are declared"),
        pytest.param(
            replace(UNDAMAGED, execute=False, confirm="", reason="", initiated_by="", dry_run=True),
            id="the dry run of that drill",
        ),
    ],
)
def test_what_is_safe_may_run(facts: Facts) -> None:
    """A guard that refuses everything would be switched off."""
    assert refusals(facts) == []


def test_a_refusal_says_what_is_meant() -> None:
    """Each consent by its own name; a drill without damage is offered where one can be."""
    [real] = refusals(replace(REAL, execute=False))
    [production] = refusals(replace(CHECKS_ON_PRODUCTION, stories=("feature-flag",)))
    [staging] = refusals(replace(CHECKS_ON_PRODUCTION, kind="staging", stories=("feature-flag",)))

    assert real.startswith("a real rollback needs --execute")
    assert production.endswith("--reason … --initiated-by …")
    assert staging.endswith("; a drill without damage needs drills = true in its file")


def test_a_text_that_shows_nothing_is_refused_in_one_line() -> None:
    """Whoever reads the journal or the channel later would see a blank."""
    assert refusals(replace(REAL, reason="", blank=("--reason",))) == [
        "--reason shows nothing: it has only spaces, control or zero-width characters; type a text that people can read"
    ]
    for facts in (DRILL_ON_SANDBOX, REAL):
        assert len(refusals(replace(facts, initiated_by="", blank=("--initiated-by",)))) == 1


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param(replace(REAL, execute=False), "needs --execute", id="no execute"),
        pytest.param(
            replace(REAL, stories=("frontend-restore",), untouched=("backend",)),
            "--to backend=…: frontend-restore does not roll the backend back; leave that out, or name another file of drills/",
            id="a target for the site that stays",
        ),
        pytest.param(
            replace(CHECKS_ON_PRODUCTION, ramp=True), "a ramp lets users of production", id="a ramp without consent"
        ),
        pytest.param(replace(REAL, ramp=True), "a ramp is an action of its own", id="a ramp beside a rollback"),
        pytest.param(
            replace(DRILL_ON_SANDBOX, ramp=True, stories=(), distributed=True), "a ramp runs in one process", id="-n"
        ),
        pytest.param(
            replace(REAL, ramp=True, stories=(), undeclared=("flag_evaluation",)),
            "declares no flag_evaluation: a ramp cannot be carried out there",
            id="a share that nobody could measure",
        ),
        pytest.param(
            replace(CHECKS_ON_PRODUCTION, foreign_baseline="recorded on staging"),
            "recorded on staging",
            id="foreign baseline",
        ),
        pytest.param(
            replace(CHECKS_ON_PRODUCTION, undeclared_load="production declares no load"),
            "production declares no load",
            id="load where none is declared",
        ),
        pytest.param(replace(REAL, confirm="staging"), "expected 'production', found 'staging'", id="wrong name"),
        pytest.param(replace(REAL, reason=""), "needs --reason", id="no reason"),
        pytest.param(replace(REAL, initiated_by=""), "needs --initiated-by", id="nobody"),
        pytest.param(replace(REAL, stories=()), "exactly one action, selected: none", id="no story"),
        pytest.param(replace(REAL, stories=("a", "b")), "exactly one action, selected: a, b", id="two stories"),
        pytest.param(replace(REAL, distributed=True), "leave -n out", id="xdist"),
        pytest.param(replace(REAL, setup_only=True), "act and verify nothing", id="setup only"),
        pytest.param(replace(REAL, pace=1.01), "its windows are observed in full", id="any pace on production"),
        pytest.param(
            replace(REAL, undeclared=("flag_admin",)),
            "declares no flag_admin: this strategy cannot be carried out there",
            id="a strategy that cannot be carried out",
        ),
        pytest.param(replace(REAL, is_sandbox=True), "nothing real to act on", id="real on the sandbox"),
        pytest.param(replace(CHECKS_ON_PRODUCTION, stories=("a",)), "a drill plants damage", id="drill on production"),
        pytest.param(
            replace(DRILL_ON_SANDBOX, is_sandbox=False), "is not the sandbox", id="a name does not make a sandbox"
        ),
        pytest.param(replace(UNDAMAGED, drills=False), "needs drills = true in its file", id="no drills declared"),
        pytest.param(replace(UNDAMAGED, kind="production"), "a drill plants damage", id="drills on production"),
        pytest.param(
            replace(UNDAMAGED, execute=False), "a drill without damage needs --execute", id="a drill without --execute"
        ),
        pytest.param(replace(UNDAMAGED, confirm="stagin"), "expected 'staging', found 'stagin'", id="drill elsewhere"),
        pytest.param(replace(UNDAMAGED, reason=""), "without damage needs --reason", id="drill without a reason"),
        pytest.param(replace(UNDAMAGED, initiated_by=""), "damage needs --initiated-by", id="drill of nobody"),
        pytest.param(replace(UNDAMAGED, stories=("a", "b")), "exactly one action, selected: a, b", id="two drills"),
        pytest.param(replace(UNDAMAGED, distributed=True), "one process: leave -n out", id="drill with xdist"),
        pytest.param(replace(UNDAMAGED, borrowed=("--execute",)), "is typed on the command line", id="borrowed drill"),
        pytest.param(replace(DRILL_ON_SANDBOX, assertions_off=True), "every check would be green", id="python -O"),
    ],
)
def test_what_could_do_harm_is_refused(facts: Facts, words: str) -> None:
    """One reason each, in words that say what to do."""
    found = refusals(facts)

    assert len(found) == 1, found
    assert words in found[0]


def test_all_reasons_come_at_once() -> None:
    """Nobody should have to run it four times to learn four things."""
    assert len(refusals(replace(REAL, execute=False, confirm="", reason="", initiated_by=""))) == 4


def test_flags_that_nobody_can_switch_are_one_line_with_what_to_do_instead() -> None:
    """Not two reasons for one thing; a front end that is restored needs no flag."""
    (found,) = refusals(replace(REAL, undeclared=("flag_admin",), constant_flags="constants of the bundle"))

    assert found == (
        "feature-flag: nobody can switch a flag of production (constants of the bundle), "
        "and features go back with the front end: pytest drills/test_frontend_restore.py"
    )
    today = cast("Runbook", SimpleNamespace(environment=SimpleNamespace(constant_flags="constants of the bundle")))
    assert _constant_flags(("gradual",), today) == "constants of the bundle"
    assert _constant_flags(("frontend-restore", "somebody-elses"), today) == ""


def test_what_needs_shares_is_refused_where_there_are_none() -> None:
    """With the strategy that is there instead, for a ramp as well."""
    for one in (replace(REAL, stories=("gradual",)), replace(REAL, ramp=True, stories=())):
        assert refusals(replace(one, no_shares="no share can be given here")) == ["no share can be given here"]


BORROWED = ("--execute",)
RAMP = replace(REAL, ramp=True, stories=())


def test_a_watch_only_tells() -> None:
    """By itself it changes nothing."""
    assert refusals(replace(CHECKS_ON_PRODUCTION, watch=True)) == []
    [told] = refusals(replace(REAL, stories=(), watch=True))
    assert "a person starts the rollback" in told


@pytest.mark.parametrize(
    "facts", [REAL, RAMP, replace(RAMP, mode="drill")], ids=["real", "a ramp", "a ramp without consent"]
)
def test_a_consent_that_was_not_typed_is_none(facts: Facts) -> None:
    """It stands first, and says where it came from."""
    found = refusals(replace(facts, borrowed=BORROWED))

    assert "consent to change production is typed on the command line, each time: --execute came from" in found[0]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(CHECKS_ON_PRODUCTION, id="checks change nothing"),
        pytest.param(replace(REAL, dry_run=True), id="nor does a dry run"),
        pytest.param(DRILL_ON_SANDBOX, id="the sandbox is nobody's"),
        pytest.param(replace(DRILL_ON_SANDBOX, ramp=True, stories=()), id="nor is its ramp"),
    ],
)
def test_what_changes_nothing_of_others_may_borrow(facts: Facts) -> None:
    """A settings file may hold options that harm nobody."""
    assert refusals(replace(facts, borrowed=BORROWED)) == []


@pytest.mark.parametrize(
    ("stories", "untouched"),
    [
        (("frontend-restore",), ("backend",)),
        (("backend-provider",), ("frontend",)),
        (("frontend-restore", "backend-provider"), ()),
        (("feature-flag",), ("frontend", "backend")),
        (("a story of somebody else",), ()),
        ((), ()),
    ],
    ids=str,
)
def test_a_target_is_for_a_site_that_is_rolled_back(stories: tuple[str, ...], untouched: tuple[str, ...]) -> None:
    """Checks alone touch nothing: there a release is what must be running."""
    assert _untouched(stories, ("frontend", "backend")) == untouched


def test_what_an_action_stands_on_must_be_declared() -> None:
    """Each ability once; a ramp's besides, and a story that is not ours asks for none that we know of."""
    assert _undeclared(("frontend-restore", "backend-provider", "frontend-restore"), {"frontend_host"}, ramp=False) == (
        "backend_host",
    )
    assert _undeclared(("feature-flag",), (), ramp=True) == RAMP_ABILITIES
    assert _undeclared(("somebody-elses",), (), ramp=False) == ()
