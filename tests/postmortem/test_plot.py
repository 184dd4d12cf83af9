"""The plot of an incident: labels that can be read."""

from pam_rollback.postmortem.service.folder import LEVELS, levels


def test_labels_of_close_moments_do_not_cover_each_other() -> None:
    """Within 1.5 % of the width they go down step by step; one further off begins at the top."""
    times = [0.0, 1000.0]

    assert levels([100, 110, 120, 300], times) == [0, 1, 2, 0]
    assert levels([100, 110, 120, 130], times)[LEVELS] == 0
    assert levels([100, 500], times) == [0, 0]
    assert levels([], times) == []
