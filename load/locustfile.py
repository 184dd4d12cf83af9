"""The load of the plan, for Locust. Sessions start it in a process of its own and never import it (load/locust.py).

From many machines (docs/how-to/redeploy.md#from-many-machines):
    locust -f load/locustfile.py --master --headless --expect-workers 4 --env staging --result FOLDER
    locust -f load/locustfile.py --worker --master-host ADDRESS
    pytest -m load --env staging --load-run FOLDER
"""

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import LoadTestShape, User, events, runners, task
from locust.env import Environment
from locust.runners import LocalRunner, WorkerRunner

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import Refused
from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.load.locust import FOLDER
from pam_rollback.redeploy.load.order import LoadOrder, load_order, permit
from pam_rollback.redeploy.load.recording import Generator, Recording, order_of_parent
from pam_rollback.target.environment_file import load_environment

ROOT = Path(__file__).parents[1]
REPORT = "pam_rollback"
# A worker whose master is gone must not go on loading a service for a whole minute, as it would by itself.
runners.MASTER_HEARTBEAT_TIMEOUT = 5


class World:
    """What this process does: generate load, record it, or both."""

    order: ClassVar[LoadOrder | None] = order_of_parent()
    generator: ClassVar[Generator | None] = None
    recording: ClassVar[Recording | None] = None


def add_options(parser: Any) -> None:
    """Add what a load put by hand is told."""
    parser.add_argument("--env", default="", help="the environment that is put under load, as pytest --env has it")
    parser.add_argument("--pace", type=float, default=1.0, help="divides the load's duration, as pytest --pace does")
    parser.add_argument("--result", default="", help="the new folder for the record, for pytest --load-run")


def take_part(environment: Environment, runner: Any, **_more: object) -> None:
    """Take the order, and record the run here unless this is a worker: that reports to its master, as Locust's own figures do."""
    options: Any = environment.parsed_options
    if isinstance(runner, WorkerRunner):
        environment.events.report_to_master.add_listener(report)
        return
    if World.order is None:
        World.order = order_by_hand(options, workers=options.expect_workers if options.master else 1)
    folder = Path(os.environ.get(FOLDER) or options.result or sys.exit("--result FOLDER is missing"))
    folder.mkdir(parents=True, exist_ok=True)
    World.recording = Recording(World.order, folder)
    environment.events.worker_report.add_listener(take_report)


def sign_in(environment: Environment, **_more: object) -> None:
    """Get ready to generate; a master only records."""
    runner = environment.runner
    if not isinstance(runner, WorkerRunner | LocalRunner):
        return
    if World.order is None:
        # The master has sent its own options until now.
        options: Any = environment.parsed_options
        World.order = order_by_hand(options, workers=options.expect_workers)
    World.generator = Generator(World.order, runner.worker_index, environment.events.request)
    why_not = World.generator.why_not
    if why_not and World.recording is not None:
        World.recording.fail(why_not)
    elif why_not:
        sys.stderr.write(f"this worker takes no part: {why_not}\n")


def say_how_it_ended(**_more: object) -> None:
    """Close the record, also when the process was told to end early."""
    if World.recording is not None:
        report_here()
        World.recording.close("told to end")


class Arrivals(User):
    """One for each generator, whose requests leave by the clock (load/recording.py): Locust wants users."""

    def on_start(self) -> None:
        """Begin."""
        assert World.generator is not None  # made before the first user
        if World.recording is not None and not World.generator.why_not:
            World.recording.begin()
        World.generator.begin()

    @task
    def stand_by(self) -> None:
        """Wait for the end."""
        gevent.sleep(1)


class UntilOver(LoadTestShape):
    """One user for each generator, until all of them are done."""

    def tick(self) -> tuple[int, float] | None:
        """Locust asks every second."""
        recording, order = World.recording, World.order
        assert recording is not None  # workers have no shape
        assert order is not None  # taken at the start
        if not isinstance(self.runner, LocalRunner):
            recording.begin()
        report_here()
        if recording.over:
            recording.close()
            return None
        return order.workers, order.workers


def order_by_hand(options: Any, *, workers: int) -> LoadOrder:
    """The load that the plan asks of the environment, as a session would put it."""
    if not options.env:
        sys.exit("--env is missing: the environment that is put under load")
    try:
        environment = load_environment(options.env, ROOT / "environments", os.environ)
        terms = load_plan(ROOT / "plan.toml").load
        order = load_order(environment, terms, pace=options.pace, run="by-hand", workers=workers)
        return permit(order, environment)
    except (ConfigurationError, Refused) as refused:
        sys.exit(f"no load is put: {refused}")


def report(client_id: str, data: dict[str, Any]) -> None:
    """Put what this worker recorded into what Locust sends to its master."""
    if World.generator is not None:
        data[REPORT] = World.generator.report()


def take_report(client_id: str, data: dict[str, Any]) -> None:
    """Write what a worker recorded."""
    if World.recording is not None and REPORT in data:
        World.recording.take(data[REPORT])


def report_here() -> None:
    """Write what this process recorded, where it is the only one."""
    if World.recording is not None and World.generator is not None and not World.generator.why_not:
        World.recording.take(World.generator.report())


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(take_part)
events.test_start.add_listener(sign_in)
events.quitting.add_listener(say_how_it_ended)
