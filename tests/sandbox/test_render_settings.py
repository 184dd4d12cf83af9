"""The stand-in for Render's settings of a service, and its limits."""

from __future__ import annotations

import pytest

from tests.sandbox.render_range import Render


class TestSettings:
    """GET and PATCH of the service."""

    def test_the_old_and_the_new_words_for_autodeploy(self, render: Render) -> None:
        """Both are told; either may be set."""
        first = render.call("GET").json
        off = render.call("PATCH", "", {"autoDeploy": "no"}).json
        checks = render.call("PATCH", "", {"autoDeployTrigger": "checksPass"}).json

        assert (first["autoDeploy"], first["autoDeployTrigger"], first["branch"]) == ("yes", "commit", "main")
        assert (off["autoDeploy"], off["autoDeployTrigger"]) == ("no", "off")
        assert (checks["autoDeploy"], checks["autoDeployTrigger"]) == ("yes", "checksPass")

    @pytest.mark.parametrize(
        "body",
        [
            {"autoDeploy": "no", "autoDeployTrigger": "off"},
            {"autoDeploy": False},
            {"autoDeployTrigger": False},
            {"autoDeployTrigger": "never"},
            {"branch": ""},
            b"[]",
        ],
    )
    def test_what_is_refused(self, render: Render, body: object) -> None:
        """400, and nothing is changed."""
        answer = render.call("PATCH", "", body)

        assert (answer.status, set(answer.json)) == (400, {"id", "message"})
        assert render.call("GET").json["autoDeployTrigger"] == "commit"


class TestLimits:
    """Who may ask, and how often."""

    def test_a_wrong_key_gets_nothing(self, render: Render) -> None:
        """401 for each request, before anything is looked at."""
        for method, path in (("GET", ""), ("PATCH", ""), ("GET", "/deploys"), ("POST", "/rollback")):
            assert render.call(method, path, {} if method != "GET" else None, key="rnd_wrong").status == 401

    def test_what_is_not_there_is_not_found(self, render: Render) -> None:
        """404 for an unknown path or service, 405 for the wrong verb."""
        assert render.call("GET", "/nowhere").status == 404
        assert render.call("GET", "x").status == 404
        assert render.call("DELETE", "/rollback").status == 405

    def test_a_service_may_be_changed_ten_times_a_minute(self, render: Render) -> None:
        """Told in the headers of each answer; reading is limited apart."""
        answers = [render.call("PATCH", "", {"autoDeployTrigger": "commit"}) for _ in range(11)]

        assert [answer.status for answer in answers] == [200] * 10 + [429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers[:3]] == ["9", "8", "7"]
        assert answers[-1].headers["ratelimit-limit"] == "10"
        assert 0 < int(answers[-1].headers["ratelimit-reset"]) <= 60
        assert render.call("GET").headers["ratelimit-limit"] == "400"
        render.remote.reset()
        assert render.call("PATCH", "", {"autoDeployTrigger": "commit"}).status == 200
