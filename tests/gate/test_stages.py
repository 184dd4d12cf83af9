"""Each of the six npm stages is red for a commit that breaks what it tests; `make test-all` shows that no other one is.

What npm does with a script, and what is said when nothing can be installed, is in tests/gate/test_npm_stages.py.
"""

import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.gate.npm_stages import NpmPackage
from tests.gate.scene import FILES, OWN_TESTS, RED, STAGES, Commit, answer, changed
from tests.selection import WHOLE
from tests.sessions import ROOT

GATE = load_plan(ROOT / "plan.toml").gate
UNIT, INTEGRATION, E2E, ACCESSIBILITY, QUALITY, LOAD = STAGES
COMMIT = "0123456789abcdef0123456789abcdef01234567"
COMMITS = [
    Commit(
        "money is written wrong",
        changed("frontend/app/views/pages.js", "Number(amount).toFixed", "(Number(amount) + 1).toFixed"),
        {UNIT},
        "an amount is written with its cents",
    ),
    Commit(
        "a style sheet is not built",
        changed(
            "frontend/index.html",
            '<link rel="icon"',
            '<link rel="preload" as="style" href="/assets/__BUILD__/gone.css"><link rel="icon"',
        ),
        {INTEGRATION},
        "gone.css is not in the build",
    ),
    Commit(
        "a script is not there",
        changed("frontend/app/main.js", '"./views/pages.js"', '"./views/page.js"'),
        {E2E},
        "page.js is no script",
    ),
    Commit(
        "a picture has no text",
        changed("frontend/app/views/pages.js", 'alt: "", ', ""),
        {ACCESSIBILITY},
        "image-alt",
    ),
    Commit(
        "something to debug",
        changed("frontend/app/views/pages.js", "export const dollars", "console.log(PLACES);\nexport const dollars"),
        {QUALITY},
        "console.log",
    ),
    Commit("a file is empty", {"frontend/empty.svg": ""}, {LOAD}, "empty.svg: HTTP 200, 0 bytes"),
    Commit(
        "no script for load",
        changed("frontend/package.json", '"test:load"', '"test:loads"'),
        {LOAD},
        "package.json has no script 'test:load', is it 'test:loads'?",
    ),
    Commit(
        "a script that tests nothing",
        {
            "frontend/package.json": re.sub(
                r'("test:load": )".*?"', r'\1"echo no tests yet"', FILES["frontend/package.json"]
            )
        },
        {LOAD},
        "script 'test:load' of package.json tests nothing: 'echo no tests yet'",
    ),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The candidate's files, with its packages installed once."""
    folder = tmp_path_factory.mktemp("candidate")
    put(folder, FILES)
    NpmPackage(folder / "frontend", COMMIT, lambda _: None).install(folder / "npm-ci.log", deadline_s=120)
    return folder


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Write them there."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("broken", COMMITS, ids=lambda broken: broken.id)
def test_a_broken_commit_turns_its_stage_red_and_no_other(broken: Commit, checkout: Path, tmp_path: Path) -> None:
    """The stage runs on that commit's files, and says what is wrong with them."""
    package = NpmPackage(checkout / "frontend", COMMIT, lambda _: None, {"COMMIT_REF": COMMIT})
    asked = STAGES if os.environ.get(WHOLE) else tuple(broken.red)
    put(checkout, broken.files)
    try:
        found = {
            stage: answer(OWN_TESTS, partial(package.run, GATE[stage], tmp_path / "log", keep_in=tmp_path / stage))
            for stage in asked
        }
    finally:
        for name in broken.files:
            (checkout / name).unlink()
        put(checkout, {name: FILES[name] for name in broken.files if name in FILES})

    assert {stage for stage, (outcome, _) in found.items() if outcome == RED} == broken.red, found
    assert all(broken.words in words for stage, (_, words) in found.items() if stage in broken.red), found
