"""What was watched in the drill that pages and pictures are drawn of."""

from pam_rollback.report.record_parts import ActionMoment, FeatureShare, NoticeSent, TimelineBin, Watched

SITUATION = "after-feature-flag"
WATCHED = Watched(
    SITUATION,
    moments=(
        ActionMoment("onset", 6.0, 0.2, "the first bad answer to a probe"),
        ActionMoment("detection", 11.8, 0.1, "a criterion was seen to be broken"),
        ActionMoment("decision", 12.0, 0.0, "when the rollback was decided on"),
        ActionMoment("mitigated", 12.4, 0.2, "good from then on, by the probes"),
    ),
    bins=tuple(TimelineBin(float(at), 50, 20 if 6 <= at < 12 else 0, 80.0 + at) for at in range(38)),
    error_rate_pct_max=2,
    p95_ms_max=500,
    shares=(FeatureShare(0, "PAM_ENHANCED_UI", 100), FeatureShare(12.3, "PAM_ENHANCED_UI", 0)),
    notices=(NoticeSent(12.1, "EM-1", "slack"), NoticeSent(13.5, "EM-2", "phone", by_hand=True)),
)
"""Users suffer from the 6th second to the 12th."""
