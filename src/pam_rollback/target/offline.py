"""Whether we are the ones who are offline."""

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import fetch
from pam_rollback.target.environment import Environment


def refuse_when_offline(environment: Environment, what: str) -> None:
    """A service that is down is a finding; a machine without a network is not: MeasurementFailed, with ``what`` could not be done."""
    control = environment.control_probe_url
    if not control:
        return
    answer = fetch(control, deadline_s=environment.probing.request_deadline_s)
    if answer.http_status is None:
        raise MeasurementFailed(
            f"{what}, and neither can the unrelated {control} ({answer.problem}): "
            "this machine seems to be offline, so nothing is known of the service",
            cause="this machine seems to be offline",
        )
