"""A drill begins only on a sandbox that is as it was, and says what is not."""

from collections.abc import Mapping, Sequence

import pytest

from pam_rollback.plan.flags import Flag
from pam_rollback.rollback.sandbox_proof import SandboxProof

FEATURES = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES")
ON, HALF = Flag(enabled=True, rollout_pct=100), Flag(enabled=True, rollout_pct=50)
ALL_ON = dict.fromkeys(FEATURES, ON)
STABLE = {"what": "back end, live release", "expected": "1.42.0 (c0ffee)", "found": "1.41.3 (decade)", "planted": ""}
FAULT = {"what": "faults", "expected": "none", "found": "errors", "planted": "errors"}


def proof(
    *changes: Mapping[str, str], flags: Mapping[str, Flag] = ALL_ON, owed: Sequence[str] = (), own: bool = True
) -> SandboxProof:
    """What a drill says of such a sandbox."""
    return SandboxProof.of(changes, flags, features=FEATURES, owed=owed, own=own)


def test_a_range_as_it_was_is_proven() -> None:
    """Nothing to say, on a sandbox of one's own and on another."""
    assert [proof(own=own).problem for own in (True, False)] == ["", ""]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    ("found", "said"),
    [
        (proof(STABLE), "back end, live release: expected 1.42.0 (c0ffee), found 1.41.3 (decade)"),
        (
            proof(flags={**ALL_ON, FEATURES[1]: HALF}),
            "flag PAM_VOICE_FEATURES: expected on for 100 %, found on for 50 %",
        ),
        (proof(flags={FEATURES[0]: ON}), "flag PAM_VOICE_FEATURES: expected on for 100 %, found no such flag"),
        (proof(owed=["set-flags of after-gradual"]), "still owed: expected nothing, found set-flags of after-gradual"),
    ],
)
def test_what_an_unfinished_drill_leaves_is_named(found: SandboxProof, said: str, *, own: bool) -> None:
    """Whoever started the sandbox."""
    assert found.problem == said
    assert found.planted_before == ()
    assert proof(STABLE, own=own).problem


def test_all_differences_are_told_at_once() -> None:
    """Nobody mends one after the other."""
    assert proof(STABLE, FAULT, flags={}).problem.count("expected") == 4


def test_a_fault_stops_a_drill_on_a_range_of_its_own_only() -> None:
    """On a sandbox that was attached somebody practises with it: noted."""
    assert proof(FAULT).problem == "faults: expected none, found errors"
    attached = proof(FAULT, own=False)
    assert (attached.problem, attached.planted_before) == ("", ("errors",))
