"""The command on a scripted product."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pam_rollback.ops.connect import __main__ as connect
from tests.connect.product import API, FRONTEND, Scripted
from tests.contracts import NOW
from tests.virtual_clock import VirtualClock


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command on a scripted product: its code, and what it said on both streams."""

    def call(
        product: Scripted,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        root: Path = tmp_path,
        addresses: tuple[str, ...] = ("--frontend", FRONTEND, "--api", API),
        doctor: connect.Doctor = lambda *_: "",
    ) -> tuple[int, str, str]:
        code = connect.main(
            [*addresses, *arguments],
            root=root,
            variables=variables or {},
            clock=VirtualClock(start=NOW),
            send=product,
            doctor=doctor,
        )
        told = capsys.readouterr()
        return code, told.out, told.err

    return call
