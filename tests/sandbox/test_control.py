"""The sandbox's own API: who may do what, and what a mistake costs."""

from typing import Any

import pytest

from pam_sandbox.problems import SandboxError
from pam_sandbox.remote import Remote
from tests.sandbox.answer import asked
from tests.sandbox.found_range import Found


class TestControl:
    """Who may do what, and what a mistake costs."""

    @pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic eDp5", "Bearer \u00e9"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/identity"),
            ("PUT", "/faults/errors"),
            ("DELETE", "/faults"),
            ("POST", "/live"),
            ("GET", "/nowhere"),
        ],
    )
    def test_without_the_token_nothing_is_said_or_done(self, found: Found, method: str, path: str, token: str) -> None:
        """Only who can read the state file controls the sandbox."""
        answer = found.control(method, path, b"{}" if method != "GET" else None, token=token)

        assert answer.status == 401
        assert found.remote.faults() == []

    def test_the_range_says_what_it_is(self, found: Found) -> None:
        """A session proves by this answer that it works on a sandbox, and sees which release is live."""
        identity = found.remote.identity()

        assert identity["sandbox"] is True
        assert identity["live"] == "candidate"
        assert {name: release["version"] for name, release in identity["releases"].items()} == {
            "stable": "1.41.3",
            "candidate": "1.42.0",
        }
        assert 0 < identity["ready_s"] < 10

    @pytest.mark.parametrize(
        ("name", "parameters", "words"),
        [
            ("erors", {}, "did you mean 'errors'"),
            ("errors", {"shere": 0.5}, "'shere' is no parameter, did you mean 'share'"),
            ("errors", {"share": 2}, "share is 2"),
            ("errors", {"share": "0.5"}, "share is '0.5'"),
            ("errors", {"share": True}, "share is True"),
            ("errors", {"release": "old"}, "release is 'old'"),
            ("latency", {"ms": -1}, "ms is -1"),
            ("latency", {"ms": float("nan")}, "ms is nan"),
            ("answers-html", {}, "path is None"),
            ("answers-html", {"path": "health"}, "path is 'health'"),
            ("database-down", {"release": "stable"}, "'release' is no parameter"),
            ("auth-bypass", {"accepts": "mising"}, "accepts is 'mising'"),
            ("cross-user-read", {"what": "profiles"}, "what is 'profiles'"),
            ("feature-fails-for-some", {"percent": 130}, "percent is 130"),
            ("data", {}, "what is None"),
            ("data", {"what": "amounts-Nan"}, "what is 'amounts-Nan'"),
        ],
    )
    def test_a_wrong_fault_is_refused_with_the_right_spelling(
        self, found: Found, name: str, parameters: dict[str, Any], words: str
    ) -> None:
        """A drill with a typo does not run without its incident."""
        with pytest.raises(SandboxError) as refused:
            found.remote.plant(name, **parameters)

        assert words in str(refused.value)
        assert found.remote.faults() == []

    @pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'"x"'])
    def test_a_body_that_is_no_object_is_refused(self, found: Found, body: bytes) -> None:
        """Nonsense is a 4xx, and the sandbox stays as it is."""
        assert found.control("PUT", "/faults/errors", body).status == 422
        assert found.remote.faults() == []

    def test_planting_again_replaces(self, found: Found) -> None:
        """The same fault on the same release has one setting; on another release it is another fault."""
        found.remote.plant("errors", share=0.5)
        found.remote.plant("errors", share=0.9)
        found.remote.plant("errors", share=0.1, release="stable")

        assert [(fault["release"], fault["share"]) for fault in found.remote.faults()] == [
            ("candidate", 0.9),
            ("stable", 0.1),
        ]

    def test_clearing_what_is_not_planted_is_fine_and_a_wrong_name_is_not(self, found: Found) -> None:
        """Undo can be repeated; a typo in it is told."""
        found.remote.clear("latency")
        with pytest.raises(SandboxError, match="latenci"):
            found.remote.clear("latenci")

    def test_a_range_that_is_not_there_is_told_as_such(self) -> None:
        """A stale state file is an error with advice, not a stack trace."""
        with pytest.raises(SandboxError, match=r"(?s)expected an answer of the sandbox.*make sandbox"):
            Remote("http://127.0.0.1:9", "token").identity()

    def test_the_second_address_reaches_nothing_but_the_sandbox(self, found: Found) -> None:
        """It is no way out of this machine."""
        assert asked("http://192.0.2.1/", proxy=found.state["sandbox"]["second_address_proxy"]).status == 403
