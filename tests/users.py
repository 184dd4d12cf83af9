"""Users of a sandbox: traffic beside what the suite sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pam_rollback.http.client import fetch
from tests.sessions import RunningSandbox


@contextmanager
def users(range_: RunningSandbox) -> Iterator[None]:
    """Somebody asks for a profile some twenty times a second while the block runs, whatever comes of it."""
    variables, api, stopped = range_.variables, range_.state["urls"]["api"], threading.Event()
    account = {"email": variables["TEST_USER_EMAIL"], "password": variables["TEST_USER_PASSWORD"]}
    token = fetch(f"{api}/api/v1/auth/login", method="POST", json=account).json["access_token"]

    def ask() -> None:
        while not stopped.wait(0.05):
            fetch(f"{api}/api/v1/profile", headers={"Authorization": f"Bearer {token}"}, deadline_s=3)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(10)
