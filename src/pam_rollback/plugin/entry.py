"""What happens before pytest starts anything: from the command line, the plan and the environment's file to the runbook of this session.

Then consent and identity. A session that ends here has changed nothing.
"""

import os
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.configuration import ConfigurationError, suggestion
from pam_rollback.core.errors import MeasurementFailed, Refused, UndoFailed
from pam_rollback.core.outside_text import cleaned, for_terminal, redacted
from pam_rollback.core.run_files import is_run_id
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plugin import (
    earlier_run,
    endings,
    guard,
    hookspecs,
    markers,
    pytest_options,
    runbook,
    situations,
)
from pam_rollback.plugin.baseline_files import found_baseline, stored_baseline_of
from pam_rollback.plugin.markers import KINDS, PHASES, asks_for
from pam_rollback.plugin.options import Options, read
from pam_rollback.plugin.runbook import FOLDERS, KEY, OWN_TESTS, Runbook, named_folders
from pam_rollback.plugin.sql_files import refuse_unknown_names
from pam_rollback.report.verdict import ExitCode
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import SANDBOX, load_environment, which


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Prepare the session; gives its exit code when it ends here, else None."""
    pytest_options.restart_if_missed(config)
    if runbook.is_about_it(config):
        pytest_options.refuse_missing_parts(config)
        listed = pytest_options.only_lists(config, consented=_is_consented(config))
        if listed:
            return _end(ExitCode.INCONCLUSIVE, f"INCONCLUSIVE, nothing was done: {listed}")
    return _begin(config)


def _begin(config: pytest.Config) -> int | None:
    try:
        return _prepared(config)
    except MeasurementFailed as error:
        return _end(ExitCode.INCONCLUSIVE, f"INCONCLUSIVE: {error}")
    except OSError as error:
        # Whatever was named, or what the project keeps, cannot be looked at: too long a name, no permission, a disk that fails.
        from pam_rollback.http.files import cannot_be_used  # noqa: PLC0415 - for this

        # An undo may have put something back before.
        then = "mend that, and repeat the command" if config.option.pam_undo else "nothing was changed"
        raise pytest.UsageError(f"{cannot_be_used(error)}; {then}") from None


def _prepared(config: pytest.Config) -> int | None:
    prepared = prepare(config)
    if prepared is None:
        return None
    markers.check_expression(config.option.markexpr)
    situations.decide(config, prepared)
    if config.option.collectonly or prepared.worker:
        return None
    try:
        return _may_it_run(config, prepared)
    except Refused as error:
        return _end(
            ExitCode.REFUSED, f"REFUSED by the guard, nothing was changed:\n{error}\n  see docs/runbook.md#refused"
        )
    except UndoFailed as error:
        return _end(ExitCode.UNDO_FAILED, f"UNDO FAILED: {error}\n  see docs/runbook.md#undo-failed")


def _is_consented(config: pytest.Config) -> bool:
    option = config.option
    return bool(option.pam_execute or option.pam_undo or option.pam_resume)


def _may_it_run(config: pytest.Config, prepared: Runbook) -> int | None:
    guard.refuse_production(prepared.environment, config.rootpath / "environments")
    try:
        if prepared.options.undo:
            guard.check_undo(config, prepared)
            if prepared.options.execute:
                endings.outlive_the_terminal(config)
            if not prepared.options.dry_run:
                guard.prove(prepared.environment)
            undone = earlier_run.undo_run(config, prepared)
            sys.stdout.write(f"{prepared.secrets.show(undone)}\n")
            return int(ExitCode.INCONCLUSIVE) if prepared.options.dry_run else 0
        if prepared.options.resume:
            earlier_run.take_over(config, prepared)
    except earlier_run.NothingDone as nothing:
        # To put back nothing is done at once; to finish it is not possible.
        return _end(0 if prepared.options.undo else ExitCode.REFUSED, str(nothing))
    guard.check(config, prepared)
    if prepared.options.real:
        endings.outlive_the_terminal(config)
    if not prepared.options.dry_run:
        guard.prove(prepared.environment)
    with _nothing_left_of(prepared.folder):
        prepared.make_folder(config)
    alarm = endings.Alarm(prepared)
    prepared.journal.tell_losses_to(alarm)
    config.add_cleanup(alarm.end)
    if prepared.resumed is not None and not prepared.options.dry_run:
        earlier_run.begin(config, prepared)
    return None


@contextmanager
def _nothing_left_of(folder: Path) -> Iterator[None]:
    """A folder that is refused leaves none of its parents behind, as far as they were made for it."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except pytest.UsageError:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def _end(code: ExitCode | int, message: str) -> int:
    sys.stderr.write(f"{for_terminal(redacted(message))}\n")
    return int(code)


def prepare(config: pytest.Config) -> Runbook | None:
    """Load plan and environment. None when this session is not about the runbook.

    Configuration problems are usage errors (4): nothing has been sent yet.
    """
    if pytest_options.explains(config.option):
        return None
    folders = named_folders(config)
    if not pytest_options.is_found(config):
        return None
    if folders & set(OWN_TESTS):
        if folders & set(FOLDERS):
            raise pytest.UsageError(
                "the suite's own tests are sessions of their own: name tests/, or checks/ and drills/, not both"
            )
        return None
    _refuse_unknown_hooks(config)
    options = _options(config, folders)
    try:
        plan = load_plan(config.rootpath / "plan.toml")
        environment = load_environment(options.env, config.rootpath / "environments", os.environ)
        _refuse_unfit_contract(environment, plan)
        refuse_unknown_names(environment, config.rootpath)
        plan = plan.with_overrides(environment.thresholds, source=f"environment {environment.name}")
        plan = plan.with_switches(environment.switches)
    except ConfigurationError as error:
        raise _unusable(config, error) from None
    config.hook.pytest_pam_begins(config=config, options=options, environment=environment)
    out = config.rootpath / "reports" / "out"
    options = replace(options, baseline=_baseline(options, out, environment))
    stored = stored_baseline_of(options.baseline, plan)
    unknown = [text for text in (*options.ack, *options.observed) if text.partition("=")[0] not in plan.ids()]
    if unknown:
        name = unknown[0].partition("=")[0]
        raise pytest.UsageError(
            f"--ack or --observed {unknown[0]}: no plan item {name!r}, {suggestion(name, plan.ids())}"
        )
    for name in options.item:
        if name not in plan.ids():
            raise pytest.UsageError(f"--item {name}: no plan item {name!r}, {suggestion(name, plan.ids())}")
    criteria = (*plan.immediate_criteria, *plan.consider_criteria)
    others = [name for text in options.observed if (name := text.partition("=")[0]) not in criteria]
    if others:
        raise pytest.UsageError(
            f"--observed {others[0]}=…: expected a decision criterion ({criteria[0]} to {criteria[-1]}), found another item of the plan; "
            f'what is good is vouched for with --ack {others[0]}="who: evidence"'
        )
    _refuse_ramp_options(config, options, plan, environment)
    runbook = _start(config, options, plan, environment)
    runbook.stored = stored
    runbook.secrets.learn(environment.secrets())
    config.stash[KEY] = runbook
    _set_outputs(config, runbook)
    return runbook


def _refuse_unknown_hooks(config: pytest.Config) -> None:
    for where, plugin in config.pluginmanager.list_name_plugin():
        for name in dir(plugin) if where.endswith("conftest.py") else ():
            if name.startswith("pytest_pam_") and not hasattr(hookspecs, name):
                raise pytest.UsageError(
                    f"{where}: there is no hook {name}: docs/reference/extending.md#hooks has those there are, and what became of others"
                )


def _options(config: pytest.Config, folders: set[str]) -> Options:
    """Read what was typed, with the environment that is meant. Raises pytest.UsageError where it has to be asked for.

    A drill plants damage, and does that on the sandbox unless something else is typed. Whatever else is there may be meant by all others.
    """
    options = read(config)
    if not config.option.pam_env and _asks_for_nothing(config):
        raise pytest.UsageError(_OFFER)
    if options.env:
        return options
    drill = "drills" in folders or any(name.startswith("after-") for name in options.situation)
    question = which(config.rootpath / "environments")
    if question and not (drill and not options.real and not options.undo):
        raise pytest.UsageError(question)
    return replace(options, env=SANDBOX)


def _asks_for_nothing(config: pytest.Config) -> bool:
    """Whether this is ``pytest`` alone: nothing chooses among all that there is."""
    option = config.option
    chosen = (option.markexpr, option.keyword, option.collectonly, getattr(option, "lf", False))
    ours = (option.pam_item, option.pam_situation, option.pam_undo, option.pam_resume)
    return not any((*chosen, *ours)) and config.args_source is not pytest.Config.ArgsSource.ARGS


_OFFER = "\n".join(
    (
        "nothing was asked for, and nothing was run; there is:",
        *(f"  pytest -m {name:<14} {meaning}" for name, meaning in PHASES.items() if name != "rollback"),
        f"  pytest -m {'KIND':<14} one kind of checks alone: {', '.join(KINDS)}",
        "  pytest drills/test_STORY.py   a drill: incident, rollback, proof",
        "each with --env NAME; `pytest --help` lists all options, README.md where to begin",
    )
)


def _baseline(options: Options, out: Path, environment: Environment) -> Path | None:
    if options.baseline is None:
        return None
    return found_baseline(options.baseline, out, environment.name, options.env)


def _unusable(config: pytest.Config, error: ConfigurationError) -> Exception:
    if asks_for(config.option.markexpr, "doctor"):
        return MeasurementFailed(f"the configuration is not complete: {error}")
    return pytest.UsageError(str(error))


def _refuse_unfit_contract(environment: Environment, plan: Plan) -> None:
    """Each health check of the plan has a component in the product's contract, and each component a check. Raises ConfigurationError."""
    unfit = list(environment.contract.problems(plan.health_checks))
    if unfit:
        raise ConfigurationError(f"product {environment.product} of environment {environment.name}", unfit)


def _refuse_ramp_options(config: pytest.Config, options: Options, plan: Plan, environment: Environment) -> None:
    if options.approve and not asks_for(config.option.markexpr, "ramp"):
        raise pytest.UsageError("--approve: there is no ramp in this session; expected -m ramp")
    unknown = [name for name in environment.ramp.approvals if name not in plan.ramp]
    if unknown:
        raise pytest.UsageError(
            f"{environment.file}: [ramp] approvals: no stage {unknown[0]!r}, {suggestion(unknown[0], plan.ramp)}"
        )


def _start(config: pytest.Config, options: Options, plan: Plan, environment: Environment) -> Runbook:
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    now = datetime.now(UTC)
    given = options.run_dir.name if options.run_dir else ""
    new = (
        given
        if is_run_id(given, environment.name)
        else f"{now:%Y%m%dT%H%M%SZ}-{environment.name}-{secrets.token_hex(2)}"
    )
    run_id = workerinput.get("pam_run_id") or new
    folder = Path(
        workerinput.get("pam_run_folder") or options.run_dir or config.rootpath / "reports" / "out" / run_id
    ).absolute()
    return Runbook(
        id=run_id,
        folder=folder,
        started=now,
        started_s=time.monotonic(),
        options=options,
        plan=plan,
        environment=environment,
        pace=options.pace or environment.pace,
        command=cleaned(shlex.join([_program(), *config.invocation_params.args])),
        worker=workerinput.get("workerid", ""),
        own_sandbox=environment.kind == "sandbox" and not environment.is_sandbox,
    )


def _program() -> str:
    started = Path(sys.argv[0])
    return "pytest" if started.parts[-2:] == ("pytest", "__main__.py") else started.name


def _set_outputs(config: pytest.Config, runbook: Runbook) -> None:
    """Every session leaves Allure results and a JUnit file in its folder, unless it was told to put them elsewhere."""
    if config.option.collectonly:
        return
    if not config.option.allure_report_dir:
        config.option.allure_report_dir = str(runbook.results)
    if not runbook.worker and not config.option.xmlpath:
        config.option.xmlpath = str(runbook.folder / "junit.xml")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Workers of pytest-xdist write into the same folder."""
    found = runbook.of(node.config)
    if found is not None:
        node.workerinput["pam_run_id"] = found.id
        node.workerinput["pam_run_folder"] = str(found.folder)
