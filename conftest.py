"""What a session of the runbook has. `pytest --fixtures checks` explains each fixture, `docs/reference/hooks.md` each hook."""

import importlib

import pytest

from pam_rollback.communication import fixtures as communication
from pam_rollback.decision import fixtures as decision
from pam_rollback.observation import hooks as observation
from pam_rollback.rollback import hooks as rollback
from pam_rollback.session.hookspecs import Topics

pytest_plugins = [
    # A topic's fixtures, and what it does in a session beside them. Of a hook the last one named is called first.
    "pam_rollback.session.fixtures",  # runbook, plan, environment, clock, sandbox_controls, situation, journal, scored, known
    "pam_rollback.baseline.fixtures",  # how it is before: recorded by -m baseline, or at the start of a drill
    "pam_rollback.checklist.fixtures",  # the items of the plan's checklists
    "pam_rollback.health.fixtures",  # health endpoints and the front page
    "pam_rollback.browser.fixtures.journeys",  # the browsers that the environment declares, and who walks through the site
    "pam_rollback.browser.fixtures.accessibility",  # all states of the site, held against WCAG
    "pam_rollback.communication.fixtures",  # what the public, the users and the team were told
    "pam_rollback.decision.fixtures",  # what the decision criteria are judged by, and what is recommended
    "pam_rollback.exposure.fixtures",  # who gets in, who is shown what, and for how many users PAM fails
    "pam_rollback.integrity.fixtures",  # invariants, rows, schema and contents, of before and now
    "pam_rollback.integrity.hooks",
    "pam_rollback.ledger.fixtures",  # acknowledged writes
    "pam_rollback.observation.fixtures",  # the prober, what users see beside what they saw before, recovery and the window
    "pam_rollback.observation.hooks",
    "pam_rollback.preflight.fixtures",  # every question of every topic
    "pam_rollback.records.fixtures",  # how the service performs after a rollback, and what servers recorded themselves
    "pam_rollback.rollback.fixtures.acting",  # the action in the journal, its target, its undo
    "pam_rollback.rollback.fixtures.flags",  # flags, the emergency call and caches
    "pam_rollback.rollback.fixtures.hosts",  # the hosts of both sites, what to go back to, and what answers
    "pam_rollback.rollback.fixtures.incident",  # what is wrong now
    "pam_rollback.rollback.hooks",
    "pam_rollback.connect.hooks",  # -m doctor
    "pam_rollback.gate.fixtures",  # what a gate notes before its first test
    "pam_rollback.gate.hooks",  # -m redeploy_gate
    "pam_rollback.postmortem.hooks",  # real rollbacks
    "pam_rollback.ramp.hooks",  # -m ramp
    "pam_rollback.readiness.hooks",  # -m readiness
    "pam_rollback.state.hooks",  # --state
    "pam_rollback.tracker.hooks",  # environments with a tracker
    "pam_rollback.watch.fixtures",  # -m watch: a turn of looks, and the incident that they may show
]


def pytest_pam_topics() -> Topics:
    """Give what the session lets a topic do."""
    return Topics(
        watched=observation.watched,
        recommended=decision.recommended,
        alarm=communication.alarm,
        tell_verdict=communication.tell_verdict,
        sole_writer=rollback.sole_writer,
        tell_undo=communication.tell_undo,
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register each by import: pytest would search the entry points of all installed packages for every name, a third of the start."""
    for name in pytest_plugins:
        pluginmanager.register(importlib.import_module(name), name)
