"""Users of a sandbox: traffic beside what the suite sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pam_rollback.http.client import fetch
from tests.sessions import RunningSandbox


@dataclass
class Traffic:
    """Users of the sandbox, in a thread of their own."""

    url: str
    token: str
    going: bool = True

    def run(self, stopped: threading.Event) -> None:
        """Ask for the profile, some twenty times a second, whatever comes of it."""
        while not stopped.wait(0.05):
            if self.going:
                fetch(self.url, headers={"Authorization": f"Bearer {self.token}"}, deadline_s=3)


@contextmanager
def users(range_: RunningSandbox) -> Iterator[Traffic]:
    """Traffic while the block runs."""
    variables, api = range_.variables, range_.state["urls"]["api"]
    account = {"email": variables["TEST_USER_EMAIL"], "password": variables["TEST_USER_PASSWORD"]}
    token = fetch(f"{api}/api/v1/auth/login", method="POST", json=account).json["access_token"]
    traffic, stopped = Traffic(f"{api}/api/v1/profile", token), threading.Event()
    thread = threading.Thread(target=traffic.run, args=(stopped,), daemon=True)
    thread.start()
    try:
        yield traffic
    finally:
        stopped.set()
        thread.join(10)
