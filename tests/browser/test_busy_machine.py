"""A machine that is too busy to show a page in its time: once more, alone, and then it is not known; never broken."""

import pytest

from tests.sessions import Project, RunningSandbox

BUSY = """
from playwright.sync_api import Browser

made, times = Browser.new_context, []


def new_context(self, **given):
    times.append(1)
    context = made(self, **given)
    if len(times) <= CONTEXTS:
        context.add_init_script(
            "if (location.pathname === 'PATH') { const end = Date.now() + 6000; while (Date.now() < end); }"
        )
    return context


Browser.new_context = new_context
"""


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What opens pages."""
    return ("test_accessibility.py", "test_journeys.py")


def outcomes(running_sandbox: RunningSandbox, project: Project, path: str, contexts: int, *asked: str) -> set[str]:
    """What becomes of these checks where the browser takes so long over a page that answers at once, in its first contexts."""
    conftest = project.folder / "conftest.py"
    busy = BUSY.replace("CONTEXTS", str(contexts)).replace("PATH", path)
    conftest.write_text(conftest.read_text(encoding="utf-8") + busy, encoding="utf-8")
    file = running_sandbox.described(project.folder / "hasty.toml", "[probing]\nrequest_deadline_s = 2")

    ended = project.run_apart(*asked, "--env", str(file))

    found = ended.outcomes_by_case()
    assert found, ended.out
    return set(found.values())


@pytest.mark.parametrize(("contexts", "wanted"), [(2, {"passed"}), (99, {"could not measure"})])
def test_a_page_that_is_late_is_audited_once_more_alone(
    running_sandbox: RunningSandbox, project: Project, contexts: int, wanted: set[str]
) -> None:
    """On a desktop and on a phone at first; then it is there, or it is not known."""
    asked = ("-m", "accessibility", "-k", "barriers and money or dark and money")
    assert outcomes(running_sandbox, project, "/wins", contexts, *asked) == wanted


def test_a_journey_over_a_page_that_is_late_is_not_known(running_sandbox: RunningSandbox, project: Project) -> None:
    """It was loaded twice."""
    asked = ("-m", "journey", "-k", "test_setting_is_kept")
    assert outcomes(running_sandbox, project, "/settings", 99, *asked) == {"could not measure"}
