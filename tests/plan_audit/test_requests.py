"""The plan's requests as they stand there, sent by a real curl to a server on this machine, beside what the suite's clients make of it."""

import json
import subprocess
from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.base.errors import ActionFailed
from pam_rollback.communication.client.slack import SlackWebhook
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.outside.http import fetch
from pam_rollback.plan.flags import Flag
from pam_rollback.product.client.health_api import HealthEndpoint, read_health
from pam_rollback.product.client.pam_api import FlagApi
from pam_rollback.product.rules.expected_releases import BACK_END, ExpectedReleases
from pam_rollback.product.rules.health import HealthReport, is_healthy
from tests.contracts import usual
from tests.plan_audit.recorder import Recorder, Reply
from tests.plan_audit.shell import run

OFF = {"PAM_ENHANCED_UI": Flag(enabled=False, rollout_pct=0)}
FLAGS = """
curl -X POST $API/admin/feature-flags \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{"PAM_ENHANCED_UI": {"enabled": false, "rolloutPercentage": 0}}'
"""
GRADUAL = 'curl -X POST $API/admin/feature-flags -d \'{"PAM_ENHANCED_UI": {"rolloutPercentage": 50}}\''
FULL = """
curl -X POST $API/admin/feature-flags/disable-all-pam
netlify api createSiteRevert --site-id $NETLIFY_SITE_ID --deploy-id $STABLE_DEPLOY_ID
git checkout $STABLE_BACKEND_COMMIT
git push origin main --force
curl -X POST $API/admin/cache/clear
curl -X POST $SLACK_WEBHOOK_URL -d '{"text": "All systems reverted to stable state"}'
echo "Full rollback completed"
"""
HEALTH = """
FRONTEND_STATUS=$(curl -s -o /dev/null -w "%{http_code}" $API/health)
BACKEND_STATUS=$(curl -s -o /dev/null -w "%{http_code}" $API/health)
DB_STATUS=$(curl -s $API/health/db | jq -r '.status')
PAM_STATUS=$(curl -s $API/health/pam | jq -r '.status')
if [[ "$FRONTEND_STATUS" == "200" && "$BACKEND_STATUS" == "200" && "$DB_STATUS" == "healthy" && "$PAM_STATUS" == "healthy" ]]; then
  echo "All systems healthy"
else
  echo "Some systems unhealthy"
fi
"""
HEALTHY = '{"status": "healthy", "release": "1.41.3"}'
PAGE = "<!doctype html><title>Wheels & Wins</title>"


def flag_api(server: Recorder, token: str = "", deadline_s: float = 5) -> FlagApi:
    """The suite's own client."""
    return FlagApi(f"{server.address}/admin/feature-flags", token, deadline_s=deadline_s)


def seen_by_the_suite(server: Recorder, path: str) -> HealthReport:
    """What the suite's health check makes of a path."""
    return read_health([HealthEndpoint(usual("it"), f"{server.address}{path}")], deadline_s=5)["it"]


@pytest.mark.parametrize("status", [401, 500])
def test_c1_an_error_counts_as_done(status: int, server: Recorder, tmp_path: Path) -> None:
    """Curl ends with 0; with ``--fail-with-body`` it ends with 22; here the action fails."""
    server.usual = Reply(status)
    assert run(tmp_path, FLAGS, API=server.address, ADMIN_TOKEN="x").code == 0
    assert run(tmp_path, FLAGS.replace("curl", "curl --fail-with-body"), API=server.address, ADMIN_TOKEN="x").code == 22

    with pytest.raises(ActionFailed, match=f"not accepted: .*{status}"):
        flag_api(server).set_flags(OFF)


def test_c2_the_last_line_is_always_the_all_clear(server: Recorder, tmp_path: Path) -> None:
    """Every provider answers 500, nothing is a repository, no variable is set: completed, 0."""
    server.usual = Reply(500)
    ran = run(tmp_path, FULL, API=server.address)

    assert ran.code == 0
    assert "not a git repository" in ran.said
    assert ran.said.endswith("Full rollback completed\n")


def test_c3_the_gradual_call_shows_no_token(server: Recorder, tmp_path: Path) -> None:
    """Either it is refused unnoticed, or anybody could do it. The suite's call has one."""
    run(tmp_path, GRADUAL, API=server.address, ADMIN_TOKEN="x")
    flag_api(server, "x").set_flags(OFF)

    assert [request.headers.get("authorization") for request in server.requests] == [None, "Bearer x"]


def test_c4_json_goes_out_as_a_form(server: Recorder, tmp_path: Path) -> None:
    """A JSON parser that looks at the type sees no body. By hand ``--json``; the suite's clients say what they send."""
    run(tmp_path, FLAGS, API=server.address, ADMIN_TOKEN="x")
    run(tmp_path, FLAGS.replace("-d ", "--json "), API=server.address, ADMIN_TOKEN="x")
    flag_api(server).set_flags(OFF)

    assert [request.headers["content-type"] for request in server.requests] == [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/json",
    ]
    assert json.loads(server.requests[-1].body) == {"PAM_ENHANCED_UI": {"enabled": False, "rolloutPercentage": 0}}


def test_c5_an_unset_variable_is_sent(server: Recorder, tmp_path: Path) -> None:
    """An empty token goes out, an empty address stops curl, and the script ends with 0. Here it is refused by its name."""
    script = f"{FLAGS}\ncurl -X POST $SLACK_WEBHOOK_URL -d '{{}}'\necho done"
    ran = run(tmp_path, script, API=server.address)
    assert ran.code == 0
    assert server.requests[0].headers["authorization"].strip() == "Bearer"
    assert len(server.requests) == 1

    declared = (
        'name = "staging"\nkind = "staging"\nabilities = ["flag_admin"]\n[urls]\nfrontend = "https://a.example.com"\n'
        'api = "https://b.example.com"\nbackend = "https://c.example.com"\n[secrets]\nadmin_token_env = "ADMIN_TOKEN"\n'
    )
    (tmp_path / "staging.toml").write_text(declared, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="ADMIN_TOKEN is not set"):
        load_environment(str(tmp_path / "staging.toml"), tmp_path, {"ADMIN_TOKEN": ""})


def test_c6_a_silent_server_holds_the_script(server: Recorder, tmp_path: Path) -> None:
    """The check of the first two minutes does not end by itself; by hand ``--max-time``; here there is a deadline."""
    server.usual = Reply(silent_s=20)
    with pytest.raises(subprocess.TimeoutExpired):
        run(tmp_path, HEALTH, API=server.address, within_s=3)
    assert run(tmp_path, "curl -s --max-time 1 $API/health", API=server.address).code == 28

    with pytest.raises(ActionFailed, match="the flag change was not accepted"):
        flag_api(server, deadline_s=0.5).set_flags(OFF)


def test_c7_a_redirect_is_taken_for_success(server: Recorder, tmp_path: Path) -> None:
    """It ends with 0; followed, the POST arrives without its body. Here it is a failure, and not followed."""
    server.replies["/admin/feature-flags"] = Reply(301, location="/elsewhere")
    assert run(tmp_path, FLAGS, API=server.address, ADMIN_TOKEN="x").code == 0
    run(tmp_path, FLAGS.replace("curl", "curl -L"), API=server.address, ADMIN_TOKEN="x")
    assert (server.requests[-1].path, server.requests[-1].body) == ("/elsewhere", "")

    with pytest.raises(ActionFailed, match=r"not accepted: .*301"):
        flag_api(server).set_flags(OFF)
    assert server.requests[-1].path == "/admin/feature-flags"


def test_c8_the_gradual_call_leaves_the_flag_enabled(server: Recorder, tmp_path: Path) -> None:
    """It names one key of one flag. The suite's call says the whole state."""
    run(tmp_path, GRADUAL, API=server.address)
    flag_api(server).set_flags(OFF)

    assert [sorted(json.loads(request.body)["PAM_ENHANCED_UI"]) for request in server.requests] == [
        ["rolloutPercentage"],
        ["enabled", "rolloutPercentage"],
    ]


def test_c9_the_health_script_gates_nothing(server: Recorder, tmp_path: Path) -> None:
    """Whatever it prints, it ends with 0."""
    server.usual = Reply(500)
    ran = run(tmp_path, HEALTH, API=server.address)

    assert ran.said.endswith("Some systems unhealthy\n")
    assert ran.code == 0


def test_c10_a_503_that_says_healthy_passes(server: Recorder, tmp_path: Path) -> None:
    """Nobody looks at the status of what is piped into jq. Here both are judged."""
    server.usual = Reply(200, HEALTHY)
    server.replies["/health/db"] = Reply(503, HEALTHY)
    assert run(tmp_path, HEALTH, API=server.address).said == "All systems healthy\n"

    report = seen_by_the_suite(server, "/health/db")
    assert (report.status, report.http_status, is_healthy(report)) == ("healthy", 503, False)


def test_c11_a_single_page_site_is_always_healthy(server: Recorder, tmp_path: Path) -> None:
    """It answers any path with 200 and its page. Here JSON is demanded."""
    server.usual = Reply(200, PAGE, "text/html")
    assert run(tmp_path, 'curl -s -o /dev/null -w "%{http_code}" $API/health', API=server.address).said == "200"

    report = seen_by_the_suite(server, "/health")
    assert not is_healthy(report)
    assert "the single-page fallback answers 200 for any path" in report.status


def test_c12_the_bad_release_passes(server: Recorder, tmp_path: Path) -> None:
    """Healthy and still the old release: the script is content. Here the release is compared."""
    server.usual = Reply(200, '{"status": "healthy", "release": "1.42.0"}')
    assert run(tmp_path, HEALTH, API=server.address).said == "All systems healthy\n"

    report = seen_by_the_suite(server, "/health")
    assert ExpectedReleases.named(["1.41.3"]).left_behind({BACK_END: report.release}) == {BACK_END: "1.42.0"}


def test_c13_a_comment_above_the_first_line(tmp_path: Path) -> None:
    """Started from a program it is no program; under dash its comparison fails, so everything is always unhealthy."""
    script = tmp_path / "rollback.sh"
    script.write_text(
        '# Complete rollback script\n#!/bin/bash\nif [[ "200" == "200" ]]; then echo healthy; fi\n', encoding="utf-8"
    )
    script.chmod(0o755)
    with pytest.raises(OSError, match="Exec format error"):
        subprocess.run([str(script)], check=False)

    under_dash = run(tmp_path, script.read_text(encoding="utf-8"), program="dash")
    assert "[[: not found" in under_dash.said
    assert "healthy" not in under_dash.said.splitlines()


def test_slack_that_refuses_is_told(server: Recorder, tmp_path: Path) -> None:
    """The plan's message is refused with a 404 and nobody hears of it (C1 again); here the reason is reported."""
    server.usual = Reply(404, "no_service", "text/plain")
    assert (
        run(tmp_path, 'curl -X POST $SLACK_WEBHOOK_URL -d \'{"text": "x"}\'', SLACK_WEBHOOK_URL=server.address).code
        == 0
    )

    assert "HTTP 404 'no_service'" in SlackWebhook(server.address).post("x")


def test_the_stand_in_answers(server: Recorder) -> None:
    """What these tests rest on: the server says what it is told to say."""
    server.usual = Reply(418, "short and stout", "text/plain")

    assert (fetch(server.address).http_status, fetch(server.address).text) == (418, "short and stout")
