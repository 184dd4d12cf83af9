"""What the report shows of each test: its truth as title, plan items, runbook link, situation; and no secret, ever.

Evidence is collected by fixtures and attached from the test's own thread; this module only decorates and cleans.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

import allure
import allure_commons
import pytest
from allure_commons.types import LabelType

from pam_rollback.plan.plan import Plan
from pam_rollback.plugin import markers
from pam_rollback.plugin.classification import MESSAGE, title
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import situation_of
from pam_rollback.report.allure_hooks import NOT_FINISHED, AllureHooks, Unfailing
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_folder import RUNBOOK

_PLAYWRIGHT_TYPES = {
    "playwright_screenshot": "image/png",
    "playwright_video": "video/webm",
    "playwright_trace": "application/vnd.allure.playwright-trace",
}

_HOOKS_KEY = pytest.StashKey[AllureHooks]()


class _LiveRedactor(Redactor):
    """Redacts with the secrets that are known at that moment, not with those known when the session began."""

    def __init__(self, runbook: Runbook) -> None:
        super().__init__([])
        self._runbook = runbook

    def text(self, text: str) -> str:
        return self._runbook.secrets.redactor.text(text)


def clean(config: pytest.Config, runbook: Runbook) -> None:
    """Put the cleaning hooks between Allure's listener and its files."""
    hooks = AllureHooks(runbook.results, _LiveRedactor(runbook), owns=_is_ours)
    unfailing = Unfailing(runbook.results, runbook.lost)
    for plugin in (hooks, unfailing):
        allure_commons.plugin_manager.register(plugin)
        config.add_cleanup(partial(allure_commons.plugin_manager.unregister, plugin))
    config.stash[_HOOKS_KEY] = hooks


def label(runbook: Runbook, items: Iterable[pytest.Item]) -> None:
    """Give each test its labels and links."""
    for item in items:
        identifiers = markers.criterion_ids(item)
        function = getattr(item, "function", None)
        for name, value in labels(runbook, identifiers, situation_of(item), markers.phase_of(item)):
            item.add_marker(pytest.mark.allure_label(value, label_type=name))
        doc = (getattr(function, "__doc__", None) or "").strip()
        words_of_plan = asked_by(runbook.plan, identifiers)
        item.add_marker(pytest.mark.allure_description(f"{_with_links(doc)}{words_of_plan}"))
        for address in filter(
            None, (_online(runbook.plan.item(identifier).anchor, os.environ) for identifier in identifiers)
        ):
            item.add_marker(pytest.mark.allure_link(address, link_type="runbook", name="runbook"))


def named(identifiers: Iterable[str], words: str) -> str:
    """How a test is called."""
    return " · ".join(filter(None, (", ".join(identifiers), words)))


def labels(runbook: Runbook, identifiers: Sequence[str], situation: str, phase: str) -> list[tuple[str, str]]:
    """By what a report groups and searches tests."""
    return [
        ("epic", runbook.environment.name),
        ("feature", situation),
        ("story", phase or "other"),
        *(("criterion", identifier) for identifier in identifiers),
        *([(LabelType.MANUAL, "true")] if is_for_a_person(runbook.plan, identifiers) else []),
    ]


def asked_by(plan: Plan, identifiers: Iterable[str]) -> str:
    """What the plan asks for, in its own words, as the end of a test's description."""
    titles = [f"{identifier}: {plan.item(identifier).title}" for identifier in identifiers]
    return f"\n\nThe plan: {'; '.join(titles)}." if titles else ""


@contextmanager
def shown(item: pytest.Item) -> Iterator[None]:
    """Give Allure the test's title. A test that is interrupted was not finished: without this, Allure calls it passed."""
    function = getattr(item, "function", None)
    if function is not None:
        # Allure reads it from the function, which all cases share, also when set-up fails and the body is never reached.
        function.__allure_display_name__ = named(markers.criterion_ids(item), title(item))
    try:
        yield
    except BaseException as error:
        hooks = item.config.stash.get(_HOOKS_KEY, None)
        if hooks is not None:
            hooks.say_next("broken", NOT_FINISHED + repr(error))
        raise


def note(item: pytest.Item, report: pytest.TestReport, runbook: Runbook) -> None:
    """Attach what Playwright left behind for a failed test; say what Allure does not see of a test that was shown as skipped."""
    hooks = item.config.stash.get(_HOOKS_KEY, None)
    if hooks is not None and report.skipped and isinstance(report.longrepr, tuple):
        # Allure knows exceptions only: it would show no reason, or one with a module's name.
        hooks.say_next("skipped", str(report.longrepr[2]).removeprefix("Skipped: "), instead_of="skipped")
    if hooks is not None and report.when == "teardown" and report.failed:
        # What was skipped before that is so no more, though Allure leaves it.
        hooks.say_next(
            "broken", str(dict(report.user_properties).get(MESSAGE, report.longreprtext)), instead_of="skipped"
        )
    if report.when == "teardown":
        for kind, path in report.user_properties:
            if kind in _PLAYWRIGHT_TYPES:
                # Typed passwords and tokens are in it. The file itself stays in the run's folder, so a clean copy is not enough.
                runbook.secrets.redactor.file(item.config.invocation_params.dir / str(path))
                name = str(path).rpartition("/")[2]
                allure.attach.file(
                    str(path), name=name, attachment_type=_PLAYWRIGHT_TYPES[kind], extension=name.rpartition(".")[2]
                )


def is_for_a_person(plan: Plan, identifiers: Iterable[str]) -> bool:
    """Whether the plan says that no data source can tell: Allure shows such tests as manual ones."""
    return any(plan.item(identifier).judged_by == "person" for identifier in identifiers)


def _is_ours(fixture_title: str) -> bool:
    """Our fixtures have a sentence for a title; those of pytest and its plugins have an identifier."""
    return " " in fixture_title


_MENTION: Final = re.compile(r"docs/runbook\.md#([a-z0-9-]+)")


def _with_links(description: str) -> str:
    """Return a test's description in Markdown, in which every mention of the runbook opens its page beside the report.

    The evidence lies in a folder of its own in the report's.
    """
    return _MENTION.sub(lambda found: f"[{found.group()}](../{RUNBOOK}.html#{found.group(1)})", description)


def _online(anchor: str, variables: Mapping[str, str]) -> str:
    """The section in the repository that the CI job works on; empty elsewhere.

    Allure makes links of web addresses only, so the page beside the report is linked from the description instead.
    """
    server, repository, commit = (variables.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA"))
    return f"{server}/{repository}/blob/{commit}/docs/runbook.md#{anchor}" if server and repository and commit else ""
