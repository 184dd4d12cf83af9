"""Does one call to the product's own emergency endpoint help every user?   Strategy ST-6; recovery within RTO-1 (30 seconds).

The plan's command looks at no answer, and does nothing at all when the API is the thing that is down: then the back end is rolled back at
its provider, past the product.
"""

from collections.abc import Callable, Mapping

import pytest

from drills.expectations import (
    constant_page,
    test_incident_is_seen,
    test_no_acknowledged_write_is_lost,
    test_no_older_configuration_is_lost,
    test_recovery_is_complete_in_time,
    test_team_was_notified,
    test_users_recover_in_time,
)
from drills.steps import roll_back_at_the_provider
from pam_rollback.browser.traveller import Traveller
from pam_rollback.core.figures import Scored
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.topics.acting import Action, Run
from pam_rollback.rollback.backend import ApiService
from pam_rollback.rollback.emergency import Emergency, EmergencyRollback, Took
from pam_rollback.rollback.flag_facts import Evaluation, FlagOutcome
from pam_rollback.rollback.step_list import ListedStep
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import ProductDown
from pam_rollback.target.served_release import Served

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="emergency")
@titled("The emergency call is made")
def rollback(
    run: Run,
    written_before: None,
    emergency_call: Emergency,
    past_the_product: Callable[[], tuple[ApiService, Callable[[], Mapping[str, str]]]],
) -> EmergencyRollback:
    """Make the call and see what came of it; go past a product that is down. Raises ActionFailed when neither helped.

    Undone by setting the flags as they were, and by running again what ran before.
    """
    with run.rollback("emergency") as action:
        before = action.step("read the flags", emergency_call.read, essential=False)
        called = action.step(
            "make the emergency call",
            lambda: emergency_call.call(before.found, action.reason, action.initiated_by),
            after=(before,),
            changes_users=True,
        )
        back = action.step("read the flags back", lambda: emergency_call.read_back(before.found), needs=(called,))
        users: ListedStep[Evaluation] | None = None
        if "flag_evaluation" in action.environment.abilities:
            users = action.step(
                "evaluate the flags as users get them",
                lambda: emergency_call.evaluate(back.result if back.result.flags else before.found, action.users),
                needs=(back,),
                essential=False,
            )

        def down() -> str:
            return str(called.error) if isinstance(called.error, ProductDown) else ""

        past = action.instead(
            lambda: f"the product was down, its back end was rolled back at the provider ({down()})" if down() else ""
        )
        served = past.step(
            "roll the back end back past the product",
            lambda: go_past(action, *past_the_product()),
            changes_users=True,
        )
    return EmergencyRollback(
        *action.facts,
        before.result.flags if before.found is not None else {},
        back.result.flags if back.found is not None else {},
        users.found if users is not None else None,
        Took(past_the_product=bool(down()), problem=down()),
        served.found,
    )


def go_past(action: Action, api: ApiService, last_stable_api_deploy: Callable[[], Mapping[str, str]]) -> Served:
    """Have the back end's provider run the last stable deploy again: steps of their own, of which the team is not told apart."""
    target = api.deploy(action.target(last_stable_api_deploy, part="back end")["deploy"])
    with action.apart() as steps:
        _, served = roll_back_at_the_provider(steps, api, lambda: target, action.environment)
    return served.result


def no_endpoint(_: pytest.Item, environment: Environment) -> str:
    """Return why there is no call to judge; empty where there is an endpoint."""
    return "it has no emergency endpoint: its switches are lowered" if environment.has_switches else ""


@pytest.mark.advisory
@pytest.mark.criterion("ST-6", "QR-1")
@needs(lacking=no_endpoint)
def test_the_product_took_the_call(rolled_back: EmergencyRollback, scored: Scored) -> None:
    """The endpoint took reason and name; a product that is down is gone past.  If red: docs/runbook.md#emergency-rollback."""
    took = scored(rolled_back.took)

    assert not took.past_the_product, took


@pytest.mark.criterion("ST-6")
@needs("flag_admin")
def test_all_flags_are_off(rolled_back: EmergencyRollback, scored: Scored) -> None:
    """Read back, every feature is off, also those that the plan does not name.  If red: docs/runbook.md#emergency-rollback."""
    read_back = scored(rolled_back.outcome)

    assert read_back.flags, read_back
    assert read_back.on == [], read_back


@pytest.mark.criterion("ST-6")
@needs("flag_evaluation")
def test_no_user_keeps_a_feature(rolled_back: EmergencyRollback, scored: Scored) -> None:
    """All users who are looked up have none of the features any more.  If red: docs/runbook.md#emergency-rollback."""
    left = scored(rolled_back.evaluated)

    assert left.keeping == 0, left
    assert left.users > 0, left


@needs(lacking=constant_page)
@pytest.mark.journey
@pytest.mark.criterion("SC-5")
def test_page_shows_the_old_chat(rolled_back: EmergencyRollback, traveller: Traveller) -> None:
    """A signed-in traveller sees the chat as it was, in a real browser.  If red: docs/runbook.md#user-experience."""
    with traveller.journey("opening the chat"):
        site = traveller.enters()
        heading = site.open_chat()

        assert heading == "Chat with PAM", f"the heading is {heading!r}"
        assert not site.is_enhanced, "the enhanced chat is shown"
