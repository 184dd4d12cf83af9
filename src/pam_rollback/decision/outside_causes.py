"""What of the users' answers shows that the cause is no matter of a release: everybody is refused, no host answers, PAM has no model."""

from collections.abc import Sequence

from pam_rollback.decision.decision import EDGE, HOSTS, MODEL
from pam_rollback.probe.blocking import REFUSALS
from pam_rollback.probe.journeys import HEALTH_JOURNEY, PAGES
from pam_rollback.probe.probed_journeys import CHAT
from pam_rollback.probe.samples import Sample

_NEARLY_ALL = 0.95
"""Of the bad answers; a few of another kind are in every outage."""
_OPEN = (*PAGES, HEALTH_JOURNEY)
"""Nobody needs an account for these: a release that refuses tokens does not refuse them."""
_APOLOGY = "an apology instead of an answer"
_NO_CONNECTION = ("refused the connection", "the name could not be resolved")


def outside_causes(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The causes that explain nearly all that was answered badly, health among it. What says nothing of the service counts nowhere."""
    known = [one for one in samples if one.measured()]
    bad = [one for one in known if not one.ok]
    if not bad:
        return ()

    def nearly_all(fitting: Sequence[Sample]) -> bool:
        return len(fitting) >= _NEARLY_ALL * len(bad)

    refused = [one for one in bad if one.status in REFUSALS]
    unconnected = [one for one in bad if one.status is None and any(words in one.why for words in _NO_CONNECTION)]
    apologies = [one for one in bad if one.journey == CHAT and _APOLOGY in one.why]
    found = []
    if nearly_all(refused) and any(one.journey in _OPEN for one in refused) and len(_journeys(refused)) > 1:
        found.append(EDGE)
    if nearly_all(unconnected) and not {one.journey for one in known if one.ok} & _journeys(unconnected):
        pages = {one.journey for one in known if one.journey in PAGES}
        if pages and pages < _journeys(unconnected):
            found.append(HOSTS)
    if nearly_all(apologies):
        found.append(MODEL)
    return tuple(found)


def _journeys(samples: Sequence[Sample]) -> set[str]:
    return {one.journey for one in samples}
