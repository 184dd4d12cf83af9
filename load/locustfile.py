"""The users of a load test, for Locust. Never imported by a session, which starts it in processes of its own (load/client/locust.py).

By hand, only as a worker for a session on another machine (docs/how-to/load-from-many-machines.md):
    python -m locust -f load/locustfile.py --worker --master-host ADDRESS --master-port PORT
"""

import os
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import LoadTestShape, User, events, runners, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from pam_rollback.load.client.process.conductor import Conductor
from pam_rollback.load.client.process.generator import Generator, Turns
from pam_rollback.load.client.process.told import FOLDER, order_of_parent
from pam_rollback.load.rules.shapes import asked, users_at

ORDER = order_of_parent()
# A worker whose master is gone must not go on loading a service for a whole minute, as it would by itself.
runners.MASTER_HEARTBEAT_TIMEOUT = 5


class World:
    """What this process does: generate load, lead the generators, or both."""

    generator: ClassVar[Generator | None] = None
    conductor: ClassVar[Conductor | None] = None


def take_part(environment: Environment, runner: Any, **_more: object) -> None:
    """Locust is there: a worker generates, a master leads, and without workers one process does both."""
    if not isinstance(runner, WorkerRunner):
        assert ORDER is not None, "a load test is started by a session; by hand only workers are (--worker)"
        environment.user_classes = users_of_order()
        World.conductor = Conductor(environment, ORDER, Path(os.environ[FOLDER]))
    if not isinstance(runner, MasterRunner):
        World.generator = Generator(environment, ORDER)


def say_how_it_ended(**_more: object) -> None:
    """Also when it was told to end early."""
    if World.generator is not None:
        World.generator.flush()
    if World.conductor is not None:
        World.conductor.close("told to end")


class Person(User):
    """Makes journeys one after the other, with a pause after each answer: the closed model."""

    abstract = True
    signed_in = False
    turns: Turns | None = None
    pause_s = 0.0

    @task
    def next_journey(self) -> None:
        """Ask once."""
        assert World.generator is not None
        if self.turns is None:
            self.turns = World.generator.turns(signed_in=self.signed_in)
        self.pause_s = World.generator.next_of(self.turns)

    def wait_time(self) -> float:
        """Where Locust may end a user: never between a request and its answer, which would then be in no record."""
        return self.pause_s


class Visitor(Person):
    """Somebody who has not signed in: front page, health."""


class Traveller(Person):
    """The test account: history, expenses, chat."""

    signed_in = True


class Arrivals(User):
    """The open model needs no users: its requests leave by the clock (client/process/generator.py). One stands for each generator."""

    @task
    def stand_by(self) -> None:
        """Locust wants somebody to run."""
        gevent.sleep(1)


class OrderedShape(LoadTestShape):
    """As many users as the order asks for at this moment, until every generator is done."""

    begun = False

    def tick(self) -> tuple[int, float] | None:
        """Locust asks every second."""
        conductor = World.conductor
        assert conductor is not None, "only a master or a single process has a shape"
        if not self.begun:
            self.begun = conductor.begin()
            if not self.begun:
                return None
        if conductor.over:
            conductor.close()
            return None
        order = conductor.order
        if order.shape.open_model:
            return order.workers.count, order.workers.count
        # All that come or go do so at once, also where there are fewer than before.
        at_once = max(step.users or 0 for step in asked(order.shape, order.duration_s))
        return users_at(order.shape, order.duration_s, max(conductor.passed_s, 0)), at_once


def users_of_order() -> list[type[User]]:
    """The kinds of users that have something to do, as often as their journeys' weights say."""
    assert ORDER is not None
    if ORDER.shape.open_model:
        return [Arrivals]
    for kind in (Visitor, Traveller):
        kind.weight = sum(journey.weight for journey in ORDER.journeys if journey.signed_in == kind.signed_in)
    return [kind for kind in (Visitor, Traveller) if kind.weight]


events.init.add_listener(take_part)
events.quitting.add_listener(say_how_it_ended)
