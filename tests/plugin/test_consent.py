"""Nothing but the full consent, typed on the command line, lets a session change anything outside the sandbox."""

import os
import random
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.plugin.guard import Facts, borrowed, refusals, typed
from tests.scripted_provider import Recording, recording_server
from tests.sessions import ONLY_HEALTH, Finished, Project

STORY = "drills/test_feature_flag.py"
YES = ("--env=shop", "--mode=real", "--execute", "--confirm=shop", "--reason=errors since 14:02", "--initiated-by=alex")
WRONG = ("--mode=drill", "--dry-run", "--confirm=other", "--confirm=", "--reason=", "--reason= ", "--initiated-by=")
OTHERS = ("-m", "ramp", "--to=1.41.3", "--approve=RA-2=kim: fine", "--undo=x", "-q", "-rA", "--situation=after-gradual")
CASES = 10_000 if os.environ.get("PAM_WHOLE_MATRIX") else 1_000


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Few files to collect, for sessions that get that far."""
    return ONLY_HEALTH


@dataclass
class Case:
    """One session: what was typed, and what stands elsewhere."""

    typed: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    @property
    def together(self) -> list[str]:
        """As pytest reads it: the command line last."""
        return [*self.elsewhere, *self.typed]


PIECES = st.sampled_from([[piece] for piece in (*YES, *WRONG, STORY, "drills/test_gradual.py", "drills", *OTHERS[2:])])
PIECES_OF_ALL = st.one_of(PIECES, st.just(["-m", "ramp"]), st.just([*YES]), st.just([*YES, STORY]), st.just([*YES[:5]]))
CASE = st.builds(
    lambda a, b: Case([x for piece in a for x in piece], [x for piece in b for x in piece]),
    st.lists(PIECES_OF_ALL, max_size=4),
    st.lists(PIECES_OF_ALL, max_size=3),
)


def facts_of(case: Case, kind: str, others: dict[str, bool]) -> Facts:
    """What the guard looks at in that session."""
    said = typed(case.together)
    ramp = said.markexpr == "ramp"
    stories = tuple(dict.fromkeys(story for arg in case.together for story in stories_in(arg)))
    found = Facts(
        mode=said.pam_mode,
        kind=kind,
        name="shop",
        is_sandbox=False,
        execute=said.pam_execute,
        confirm=said.pam_confirm,
        reason=said.pam_reason.strip(),
        initiated_by=said.pam_initiated_by.strip(),
        dry_run="--dry-run" in case.together,
        pace=1.0,
        stories=stories,
        ramp=ramp,
        borrowed=borrowed(said, case.typed, stories=stories, phase=ramp),
        distributed=False,
        setup_only=False,
        assertions_off=False,
    )
    return replace(found, **others)  # type: ignore[arg-type]


def stories_in(arg: str) -> list[str]:
    """Which stories an argument names."""
    known = {"drills/test_feature_flag.py": ["feature-flag"], "drills/test_gradual.py": ["gradual"]}
    return {**known, "drills": ["feature-flag", "gradual"], "--situation=after-gradual": ["gradual"]}.get(arg, [])


def consents(args: Sequence[str]) -> bool:
    """Said once more, by hand: the last word of each option is a yes, and one action is named."""
    last = {arg.partition("=")[0]: arg.partition("=")[2].strip() for arg in args if arg.startswith("--")}
    action = {story for arg in args for story in stories_in(arg)} or ({"ramp"} if "ramp" in args else set())
    return (
        (last.get("--mode"), last.get("--confirm")) == ("real", "shop")
        and "--execute" in last
        and bool(last.get("--reason") and last.get("--initiated-by"))
        and len(action) == 1
    )


@settings(max_examples=CASES, deadline=None, derandomize=True, database=None)
@given(case=CASE, kind=st.sampled_from(["staging", "production"]), others=st.integers(0, 7))
def test_only_typed_consent_acts(case: Case, kind: str, others: int) -> None:
    """A thousand sessions, nightly ten thousand: whoever is let through to act has typed all of it, and nothing else was added to it."""
    names = ("distributed", "setup_only", "assertions_off")
    facts = facts_of(case, kind, {name: bool(others == place + 1) for place, name in enumerate(names)})
    acts = bool(facts.stories or facts.ramp) and not facts.dry_run

    if acts and not refusals(facts):
        assert consents(case.typed), case
        assert facts.mode == "real"


@pytest.mark.parametrize("action", [[STORY], ["-m", "ramp"], ["drills/test_gradual.py"]])
def test_typed_consent_does_act(action: list[str]) -> None:
    """A guard that refuses everything would prove nothing; what is not about consent may stand anywhere."""
    facts = facts_of(Case([*YES, *action], ["-q", "-rA"]), "production", dict.fromkeys(OFF, False))

    assert refusals(facts) == []


OFF = ("distributed", "setup_only", "assertions_off")


@pytest.mark.parametrize("moved", [*YES, STORY])
def test_each_piece_has_to_be_typed(moved: str) -> None:
    """The rest of a full consent does not make up for it; the message names it and where it may have come from."""
    case = Case([piece for piece in (*YES, STORY) if piece != moved], [moved])
    found = refusals(facts_of(case, "staging", dict.fromkeys(OFF, False)))

    assert len(found) == 1, found
    name = "feature-flag" if moved == STORY else moved.partition("=")[0]
    assert f"is typed on the command line, each time: {name} came from PYTEST_ADDOPTS" in found[0]


def test_what_looks_like_an_option_is_none() -> None:
    """A value of another option, or what stands behind two dashes."""
    said = typed(["-o", "addopts=--execute", "--reason=--execute", "-k=--execute", "--", "--execute"])

    assert said.pam_execute is False
    assert said.pam_reason == "--execute"


def staging(server: Recording) -> str:
    """An environment with everything that a rollback needs, all of it at a server that writes down what it is asked."""
    return f"""
name = "shop"
kind = "staging"
abilities = ["flag_admin", "flag_evaluation", "slack", "cache_admin", "emergency_endpoint"]
[urls]
frontend = "{server.url}"
api = "{server.url}"
backend = "{server.url}"
[probing]
rate_hz = 20
[secrets]
admin_token_env = "SHOP_ADMIN"
emergency_token_env = "SHOP_EMERGENCY"
slack_webhook_env = "SHOP_SLACK"
"""


def run(project: Project, server: Recording, case: Case, how: str) -> Finished:
    """The session, with what stands elsewhere in a variable, in a settings file or in a file of arguments."""
    project.environment = {
        "SHOP_ADMIN": "a" * 30,
        "SHOP_EMERGENCY": "e" * 30,
        "SHOP_SLACK": f"{server.url}/services/x",
        "PAM_ENV": "shop",
    }
    project.write("environments/shop.toml", staging(server))
    args = list(case.typed)
    if how == "PYTEST_ADDOPTS":
        project.environment["PYTEST_ADDOPTS"] = shlex.join(case.elsewhere)
    elif how == "addopts":
        args += ["-o", "addopts=" + shlex.join([*_addopts(project.folder), *case.elsewhere])]
    else:
        project.write("arguments.txt", "\n".join(case.elsewhere))
        args = ["@arguments.txt", *args] if case.elsewhere else args
    return project.run(*args)


def _addopts(folder: Path) -> list[str]:
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    return [
        part.strip('", ') for part in text.partition("addopts = [")[2].partition("]")[0].replace("\n", "").split(", ")
    ]


SOURCES = ("PYTEST_ADDOPTS", "addopts", "arguments")


@pytest.mark.parametrize("how", SOURCES[::2])
def test_it_is_refused_before_the_first_request(project: Project, how: str) -> None:
    """The whole consent, and only the story typed: one clear line, and the server heard nothing at all.

    In ``-o addopts``, options are refused before anybody looks for a consent in them: test_pytest_options.py.
    """
    with recording_server() as server:
        ended = run(project, server, Case([STORY], [*YES]), how)

    words = "consent to change shop is typed on the command line, each time: --env, --mode, --execute, --confirm"
    assert ended.rc == 13, ended.out
    assert words in ended.out
    assert server.asked == []
    assert not ended.folder.exists()


@pytest.mark.long_matrix("sessions with half a consent")
@pytest.mark.parametrize("seed", range(200))
def test_no_real_session_changes_anything(project: Project, seed: int) -> None:
    """Two hundred sessions with consent that is never typed in full, counted at the server that they lead to."""
    draw = random.Random(seed)
    pieces = [*YES, *WRONG, STORY, "-q"]
    given_up = draw.choice(YES[1:])
    case = Case(
        [piece for piece in (*YES, STORY) if piece != given_up and draw.random() < 0.9],
        [*draw.sample(pieces, draw.randint(0, 4)), *draw.choice([[], [given_up], [*YES], [*YES, STORY]])],
    )
    with recording_server() as server:
        ended = run(project, server, case, draw.choice(SOURCES))

    assert server.changing == [], (case, ended.out)
    assert "Traceback" not in ended.out
