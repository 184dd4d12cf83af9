"""The command ends as it was told to, and leaves nothing behind."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from pam_rollback.game import __main__ as command
from pam_rollback.game import client, service

STATE = '[sandbox]\ncontrol_url = "http://127.0.0.1:1"\ntoken = "invented"\n'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_game_that_is_ended_takes_its_file_along(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sandbox, prober and the file with its addresses; a second signal meanwhile changes nothing, and later ones are as before."""
    left: list[str] = []

    @contextmanager
    def launch(file: Path) -> Iterator[Path]:
        file.write_text(STATE)
        try:
            yield file
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            left.append("sandbox")

    def play(*_: object, **__: object) -> None:
        assert (tmp_path / command.FILE).exists()
        os.kill(os.getpid(), number)
        signal.pause()

    monkeypatch.setattr(command, "launch", launch)
    monkeypatch.setattr(service, "play", play)
    monkeypatch.setattr(client, "players_file", lambda text: text)
    monkeypatch.setattr(client, "load_environment", lambda *_: SimpleNamespace())
    monkeypatch.setattr(client, "_probed", lambda _: None)
    monkeypatch.setattr(client, "start_prober", lambda *_: nullcontext())
    before = signal.getsignal(number)

    with pytest.raises(SystemExit) as ended:
        command.main(["--seed=1"], root=tmp_path)

    assert ended.value.code == 128 + number
    assert left == ["sandbox"]
    assert not (tmp_path / command.FILE).exists()
    assert signal.getsignal(number) is before
