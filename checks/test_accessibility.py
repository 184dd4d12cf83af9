"""Can everybody use the site: by keyboard, by ear, in dark colours, enlarged, on a phone?  One question to PAM is all it writes.

Barriers that the baseline has and somebody answers for do not count. One engine, Chromium: the rules read structure and styles, in which
engines agree.
"""

from collections.abc import Callable

import pytest

from pam_rollback.browser.accessibility import STATES, Audit, Audits, KeyboardChat
from pam_rollback.core.figures import Scored
from pam_rollback.target.known_before import Judge

pytestmark = [pytest.mark.post_rollback, pytest.mark.redeploy_gate, pytest.mark.decision, pytest.mark.accessibility]

Audited = Callable[[str, str], Audit]


@pytest.mark.criterion("CR-4")
@pytest.mark.parametrize("state", STATES)
def test_pages_have_no_new_barriers(state: str, audited: Audited, known: Judge) -> None:
    """WCAG 2.2 A and AA hold as they did before the release.  If red: docs/runbook.md#accessibility-broken."""
    audit = audited(state, "light")

    assert audit.barriers, audit
    barriers = known(audit.barriers)
    assert len(barriers.violations) == 0, barriers


@pytest.mark.criterion("CR-4")
@pytest.mark.parametrize("state", STATES)
def test_dark_colours_bring_no_new_barriers(state: str, audited: Audited, known: Judge) -> None:
    """The site can be read in dark colours.  If red: docs/runbook.md#accessibility-broken."""
    audit = audited(state, "dark")

    assert audit.barriers, audit
    barriers = known(audit.barriers)
    assert len(barriers.violations) == 0, barriers


@pytest.mark.criterion("CR-4")
@pytest.mark.parametrize("state", STATES)
def test_double_size_brings_no_new_barriers(state: str, audited: Audited, known: Judge) -> None:
    """A page enlarged to 200 % has no new barrier.  If red: docs/runbook.md#accessibility-broken."""
    audit = audited(state, "double-size")

    assert audit.barriers, audit
    barriers = known(audit.barriers)
    assert len(barriers.violations) == 0, barriers


@pytest.mark.criterion("CR-4")
@pytest.mark.parametrize("state", STATES)
def test_phones_bring_no_new_barriers(state: str, audited: Audited, known: Judge) -> None:
    """A page on a phone (390 by 844) has no new barrier.  If red: docs/runbook.md#accessibility-broken."""
    audit = audited(state, "phone")

    assert audit.barriers, audit
    barriers = known(audit.barriers)
    assert len(barriers.violations) == 0, barriers


@pytest.mark.criterion("CR-4", "SC-5")
@pytest.mark.parametrize("look", ["double-size", "phone"])
def test_pages_fit_the_window(look: str, audits: Audits, known: Judge) -> None:
    """Nobody has to scroll sideways, and nothing is cut off.  If red: docs/runbook.md#accessibility-broken."""
    new = known(audits.too_wide(look))

    assert len(new.violations) == 0, new


@pytest.mark.criterion("CR-4")
def test_the_focus_can_be_seen(audits: Audits, known: Judge) -> None:
    """Users of the Tab key see where they are.  If red: docs/runbook.md#accessibility-broken."""
    new = known(audits.focus_unseen)

    assert len(new.violations) == 0, new


@pytest.mark.criterion("CR-4")
def test_the_keyboard_is_never_trapped(audits: Audits, known: Judge) -> None:
    """The Tab key leads on from every stop, to the end of the page.  If red: docs/runbook.md#accessibility-broken."""
    new = known(audits.traps)

    assert len(new.violations) == 0, new


@pytest.mark.writes
@pytest.mark.criterion("CR-4", "SC-5")
def test_pam_is_asked_by_keyboard_alone(keyboard_chat: KeyboardChat, scored: Scored, known: Judge) -> None:
    """Tab to the field, a question, Enter: PAM answers.  If red: docs/runbook.md#accessibility-broken."""
    barrier = known(scored(keyboard_chat).by_keyboard)

    assert barrier.problem == "", barrier


@pytest.mark.writes
@pytest.mark.criterion("CR-4")
def test_the_answer_is_announced(keyboard_chat: KeyboardChat, known: Judge) -> None:
    """A screen reader reads PAM's answer out.  If red: docs/runbook.md#accessibility-broken."""
    barrier = known(keyboard_chat.by_ear)

    assert barrier.problem == "", barrier
