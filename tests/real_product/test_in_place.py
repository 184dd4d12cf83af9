"""What stands around the real product: builds are read with addresses put in, and the sandbox has what is replaced."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from pam_sandbox import builds
from pam_sandbox.personalities import PERSONALITIES
from pam_sandbox.problems import SandboxError
from pam_sandbox.releases import RELEASES
from pam_sandbox.state_file import Listeners
from pam_sandbox.supervisor import Supervisor
from tests.real_product.__main__ import _in_place
from tests.real_product.back_end import Around, RealEdge
from tests.real_product.front_end import KEY, PUBLIC_HOSTS, SUPABASE, FrontEnds, RealBuild
from tests.real_product.stand_ins import Model

API, PROJECT = "http://127.0.0.1:7001", "http://127.0.0.1:7002"
VARIABLES = {"VITE_BACKEND_URL": API, "VITE_SUPABASE_URL": PROJECT, "VITE_SUPABASE_ANON_KEY": "the-key"}


def edge() -> object:
    """The class that the sandbox takes for the address of the API."""
    return vars(sys.modules[Supervisor.__module__])["Edge"]


def built(folder: Path, name: str) -> Path:
    """A folder as Vite leaves it."""
    (folder / name / "assets").mkdir(parents=True)
    (folder / name / "index.html").write_text('<script src="/assets/index.abc.js"></script>', encoding="utf-8")
    script = f'"{SUPABASE}" "{KEY}" "https://{PUBLIC_HOSTS[0]}/api" "wss://{PUBLIC_HOSTS[1]}/ws"'
    (folder / name / "assets" / "index.abc.js").write_text(script, encoding="utf-8")
    return folder / name


def test_a_build_leads_to_what_runs_here(tmp_path: Path) -> None:
    """Its placeholders and every public address; of the one without variables only the addresses that stand in every build."""
    front_ends = FrontEnds({name: built(tmp_path, name) for name in ("stable", "blank")})
    stable = next(spec for spec in RELEASES if spec.name == "stable")
    (tmp_path / "package.json").write_text(json.dumps({"version": stable.version}), encoding="utf-8")

    folder = asyncio.run(front_ends.build(tmp_path, commit="0123abc", variables=VARIABLES))
    found = front_ends.load(folder)

    assert isinstance(found, RealBuild)
    assert found.address("app/main.js") == "/assets/index.abc.js"
    assert found.assets["/assets/index.abc.js"].body.decode() == (
        f'"http://realproduct.supabase.co.localhost:7002" "the-key" "{API}/api" "ws://127.0.0.1:7001/ws"'
    )
    assert found.without_variables.files["/assets/index.abc.js"].body.decode() == (
        f'"{SUPABASE}" "{KEY}" "{API}/api" "ws://127.0.0.1:7001/ws"'
    )
    assert found.release == found.without_variables.release == stable.version
    with pytest.raises(SandboxError, match="--front-end blank=FOLDER"):
        RealBuild(found.files, found.release).without_variables  # noqa: B018 - asking for it is what raises


def test_the_sandbox_has_what_is_replaced_and_gets_it_back(tmp_path: Path) -> None:
    """Whoever renames one of these parts sees it here, and not in the next trial."""
    around = Around(tmp_path, {}, PROJECT, "redis://127.0.0.1:7003/0", "http://127.0.0.1:7004", Model(), [])
    listeners, before = Listeners.open(), (edge(), builds.load)
    try:
        with _in_place(FrontEnds({}), listeners, around):
            assert edge() is RealEdge
            assert Listeners.open() is listeners
            assert not PERSONALITIES["pam-today"].bans_scanners
    finally:
        for one in vars(listeners).values():
            one.close()

    assert (edge(), builds.load) == before
    assert PERSONALITIES["pam-today"].bans_scanners
