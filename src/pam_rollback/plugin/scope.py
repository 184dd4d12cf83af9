"""How much a verdict covers, what keeps it from being a GO although no test is red, and what decides in a decision."""

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import get_args

import pytest

from pam_rollback.plan.plan import Plan
from pam_rollback.plugin import listeners, markers
from pam_rollback.plugin.browser_gate import is_of_another_browser
from pam_rollback.plugin.classification import Seen
from pam_rollback.plugin.runbook import Runbook, named_paths
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.plugin.situations import SITUATIONS_KEY
from pam_rollback.report.record_parts import DecisionRecord
from pam_rollback.report.run_record import Acknowledgement, RelaxedThreshold, Unmeasured, Waiver
from pam_rollback.report.verdict import Cause, ExitCode, Outcome, causes_of_outcomes
from pam_rollback.target.environment_tables import Browser


@dataclass(frozen=True)
class Scope:
    """``name`` is what the verdict is limited to; ``partial`` says why it cannot be GO; the rest is listed beside it."""

    name: str | None
    partial: tuple[str, ...]
    relaxed: tuple[RelaxedThreshold, ...]
    waivers: tuple[Waiver, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    unmeasured: tuple[Unmeasured, ...]


def scope_of(
    config: pytest.Config, runbook: Runbook, left_out: LeftOut, *, judged: set[str], selected: set[str], today: date
) -> Scope:
    """Weigh selection, pace, thresholds, waivers and acknowledgements.

    ``judged`` are the plan items that a test judged, ``selected`` those that one would have, had it run.
    """
    name, whole = _name(config)
    wanted = runbook.options.item
    judges_success = _judges_success(name) and not wanted
    valid = {waiver.item for waiver in runbook.environment.waivers if waiver.holds(today)}
    acknowledgements = _acknowledgements(runbook)
    relaxed = tuple(
        RelaxedThreshold(
            item=change.item, key=change.key, plan=change.planned, used=change.used, waived=change.item in valid
        )
        for change in runbook.plan.relaxed
    )
    unmeasured = _unmeasured(
        runbook,
        left_out,
        judged=judged,
        selected=selected,
        acked={ack.item for ack in acknowledgements},
        waived=valid,
    )
    partial = [f"PARTIAL: {reason}" for reason in left_out.partial]
    if not whole:
        partial.append(f"PARTIAL: -m {config.option.markexpr!r} is not a whole phase or kind")
    answered = {ack.item for ack in acknowledgements} | valid
    partial += [f"PARTIAL: {reason}" for reason in listeners.incomplete(config, left_out, answered)]
    if not runbook.on_sandbox:
        if runbook.pace > 1:
            partial.append(f"PARTIAL: pace {runbook.pace:g} outside the sandbox")
        partial += [
            f"PARTIAL: {change.item} {change.key} is relaxed and no waiver that holds today names it"
            for change in relaxed
            if not change.waived
        ]
        open_items = [missing.item for missing in unmeasured if not missing.waived]
        if judges_success and open_items:
            partial.append(
                f"PARTIAL: success criteria that nobody judged: {', '.join(open_items)} (why: see the conditions)"
            )
    if not runbook.options.dry_run:
        partial += [f"PARTIAL: no test that ran judges {one}" for one in wanted if one not in judged | answered]
    return Scope(
        name=name if not wanted else " ".join(wanted) + (f" of {name}" if name else ""),
        partial=tuple(partial),
        relaxed=relaxed,
        waivers=tuple(
            Waiver(
                item=waiver.item,
                until=waiver.until.isoformat(),
                reason=waiver.reason,
                approved_by=f"nobody yet, so it does not count ({waiver.approved_by})"
                if waiver.is_provisional
                else waiver.approved_by,
            )
            for waiver in runbook.environment.waivers
            if not waiver.known  # those are told with what they are about
        ),
        acknowledgements=acknowledgements,
        unmeasured=unmeasured if judges_success and not runbook.options.dry_run else (),
    )


def _name(config: pytest.Config) -> tuple[str | None, bool]:
    expression = config.option.markexpr.strip()
    if expression:
        names = re.split(r"\s+or\s+", expression)
        return expression, all(name in markers.PHASES or name in markers.KINDS for name in names)
    stories = config.stash[SITUATIONS_KEY].stories
    if stories:
        return (stories[0] if len(stories) == 1 else None), True
    return _files_named(config), True


def _files_named(config: pytest.Config) -> str | None:
    """The files to which somebody limited the session; None when folders were named, or nothing."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return None
    paths = named_paths(config)
    if not all(path.is_file() for path in paths):
        return None
    return ", ".join(os.path.relpath(path, config.rootpath) for path in dict.fromkeys(paths))


def _judges_success(name: str | None) -> bool:
    """Whether the selection claims that the rollback succeeded: not for one kind of check, nor for a phase that is about something else."""
    if name is None or name in markers.KINDS:
        return name is None
    phases = markers.named_in(name) & markers.PHASES.keys()
    return not (phases and phases <= markers.ONLY_WHEN_NAMED)


def _acknowledgements(runbook: Runbook) -> tuple[Acknowledgement, ...]:
    known = runbook.plan.ids()
    found = []
    for text in runbook.options.ack:
        item, _, statement = text.partition("=")
        if item in known:
            found.append(Acknowledgement(item=item, statement=statement.strip().strip('"')))
    return tuple(found)


def _unmeasured(
    runbook: Runbook, left_out: LeftOut, *, judged: set[str], selected: set[str], acked: set[str], waived: set[str]
) -> tuple[Unmeasured, ...]:
    # Where the tests that judge it were selected, or only some tests were, it is not the environment that lacks something.
    lacking = [] if left_out.partial else left_out.tests
    reasons = {one: reason for _, reason, identifiers in lacking for one in identifiers if one not in selected}
    found = []
    for identifier in runbook.plan.success_criteria:
        if identifier in judged or identifier in acked:
            continue
        item = runbook.plan.item(identifier)
        ack = f'--ack {identifier}="who: evidence"'
        if identifier in reasons:
            why = f"{reasons[identifier]}; a person may vouch for it: {ack}"
        elif item.judged_by == "person":
            why = f"a person has to vouch for it: {ack}"
        else:
            why = "no test that ran judges it"
        found.append(Unmeasured(item=identifier, what=item.title, why=why, waived=identifier in waived))
    return tuple(found)


def refuse_mixed(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a decision that is mixed with anything else: neither would then say what the session's end says."""
    if not is_decision(config):
        return
    others = [item.nodeid for item in items if item.get_closest_marker("decision") is None]
    if others:
        raise pytest.UsageError(
            f"-m {config.option.markexpr!r}: a decision is a session of its own, and {len(others)} of the tests are not part of it "
            f"(first: {others[0]}); expected -m decision, alone or narrowed with `and`"
        )


def is_decision(config: pytest.Config) -> bool:
    """Whether ``-m`` asks for the decision."""
    return "decision" in markers.named_in(config.option.markexpr)


def criteria_of(plan: Plan) -> set[str]:
    """The ids of both lists."""
    return {*plan.immediate_criteria, *plan.consider_criteria}


def decision_causes(plan: Plan, decision: DecisionRecord, tests: Iterable[Seen]) -> list[Cause]:
    """What decides: the recommendation for all that serves a decision criterion; of everything else, what it is by itself."""
    criteria = criteria_of(plan)
    deciding = [test for test in tests if not test.properties.get("advisory")]
    others = [
        test.outcome
        for test in deciding
        if not criteria.intersection(test.criteria)
        or test.outcome in {Outcome.ACTION_FAILED, Outcome.UNDO_FAILED, Outcome.REFUSED}
    ]
    passed = [Outcome.PASSED] if any(Outcome.PASSED in test.outcomes for test in deciding) else []
    found = causes_of_outcomes([*others, *passed])
    if decision.exit_code is not ExitCode.GO:
        found.insert(0, Cause(decision.exit_code, decision_reason(decision)))
    return found


def decision_reason(decision: DecisionRecord) -> str:
    """The recommendation and what it rests on, as a cause. The verdict line says it by itself."""
    ids = ", ".join(decision.why)
    return f"{decision.recommendation}: {ids}" if ids else decision.recommendation


def answer_with(runbook: Runbook) -> str:
    """The session once more, with the answers that it has already."""
    options = runbook.options
    words = ["pytest", "-m", "decision", "--env", options.env]
    if options.baseline is not None:
        words += ["--baseline", str(options.baseline)]
    for name, answers in (("--observed", options.observed), ("--ack", options.ack)):
        for answer in answers:
            words += [name, answer]
    return runbook.secrets.redact(shlex.join(words))


def recommended(
    config: pytest.Config, runbook: Runbook, tests: Sequence[Seen], left_out: LeftOut, partial: Sequence[str]
) -> DecisionRecord:
    """What to do, by what the tests of a decision found, and what people say.

    ``partial`` says why the selection is not whole: then "no rollback" is not known. A browser that the environment does not name is
    nobody's question.
    """
    from pam_rollback.decision import deciding  # noqa: PLC0415 - for decisions

    options, environment = runbook.options, runbook.environment
    decision = deciding.decided(
        runbook.plan,
        tests,
        [(why, ids) for _, why, ids in left_out.tests if not is_of_another_browser(why)],
        observed=options.observed,
        vouched=options.ack,
        refused=deciding.refused_in(runbook.plan, environment),
        whole=not partial,
        unseen=[name for name in get_args(Browser) if name not in environment.browsers],
    )
    here = deciding.Here(
        plan=runbook.plan,
        root=config.rootpath,
        environment=environment.name,
        env=options.env,
        on_sandbox=runbook.on_sandbox,
        answer_with=answer_with(runbook),
    )
    return deciding.recommended(here, decision)
