"""What a session of the runbook has. `pytest --fixtures checks` explains each fixture, `docs/reference/extending.md#hooks` each hook."""

import importlib

import pytest

pytest_plugins = [
    # A topic's fixtures, and what it does in a session beside them. Of a hook the last one named is called first.
    "pam_rollback.plugin.fixtures",  # runbook, plan, environment, clock, sandbox_controls, situation, journal, scored, known
    "pam_rollback.ops.baseline.fixtures",  # how it is before: recorded by -m baseline, or at the start of a drill
    "pam_rollback.plugin.topics.checklist",  # the items of the plan's checklists
    "pam_rollback.plugin.topics.health",  # health endpoints and the front page
    "pam_rollback.plugin.topics.journeys",  # the browsers that the environment declares, and who walks through the site
    "pam_rollback.plugin.topics.accessibility",  # all states of the site, held against WCAG
    "pam_rollback.plugin.topics.communication",  # what the public, the users and the team were told
    "pam_rollback.plugin.topics.decision",  # what the decision criteria are judged by, and what is recommended
    "pam_rollback.plugin.topics.access",  # who gets in, who is shown what, and for how many users PAM fails
    "pam_rollback.plugin.topics.database",  # invariants, rows and schema, of before and now
    "pam_rollback.plugin.topics.ledger",  # acknowledged writes
    "pam_rollback.plugin.topics.probe",  # the prober, what users see beside what they saw before, recovery and the window
    "pam_rollback.plugin.topics.preflight",  # every question of every topic
    "pam_rollback.plugin.topics.records",  # how the service performs after a rollback, and what servers recorded themselves
    "pam_rollback.plugin.topics.acting",  # the action in the journal, its target, its undo
    "pam_rollback.plugin.topics.flags",  # flags, the emergency call and caches
    "pam_rollback.plugin.topics.hosts",  # the hosts of both sites, what to go back to, and what answers
    "pam_rollback.plugin.topics.incident",  # what is wrong now
    "pam_rollback.ops.connect.hooks",  # -m doctor
    "pam_rollback.redeploy.gate.fixtures",  # what a gate notes before its first test
    "pam_rollback.redeploy.gate.hooks",  # -m redeploy_gate
    "pam_rollback.ops.postmortem.hooks",  # real rollbacks
    "pam_rollback.redeploy.ramp.hooks",  # -m ramp
    "pam_rollback.ops.readiness.hooks",  # -m readiness
    "pam_rollback.ops.state.hooks",  # --state
    "pam_rollback.plugin.topics.tracker",  # environments with a tracker
    "pam_rollback.ops.watch.fixtures",  # -m watch: a turn of looks, and the incident that they may show
]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register each by import: pytest would search the entry points of all installed packages for every name, a third of the start."""
    for name in pytest_plugins:
        pluginmanager.register(importlib.import_module(name), name)
