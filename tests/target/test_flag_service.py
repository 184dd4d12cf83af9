"""A real rollback by flags where a flag service switches them: done there, judged by what users get there, and put back there."""

from pathlib import Path

import pytest

from tests.plugin.drilling import CONSENT, as_staging, owed, switched_on
from tests.sessions import FLAGS, ONLY_HEALTH, Project, RunningSandbox
from tests.unleash_stand_in import ADMIN, FRONTEND, StandIn, unleash_stand_in


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What is asked after it is not what this is about."""
    return ONLY_HEALTH


def _on_for_everybody(unleash: StandIn) -> bool:
    return all(unleash.flags[name]["production"].gives(f"user-{number}") for name in FLAGS for number in range(50))


def _nobody(unleash: StandIn) -> bool:
    return not any(unleash.flags[name]["production"].gives(f"user-{number}") for name in FLAGS for number in range(50))


def test_a_real_rollback_by_flags_at_unleash(running_sandbox: RunningSandbox, project: Project) -> None:
    """Nobody has the features afterwards; the product's own flags are as they were; ``--undo`` gives them back to everybody."""
    as_staging(running_sandbox, project)
    with unleash_stand_in() as unleash:
        for name in FLAGS:
            unleash.create(name)
        file = project.folder / "staging.toml"
        table = f'\n[unleash]\nurl = "{unleash.url}"\n'
        names = 'unleash_admin_token_env = "UNLEASH_ADMIN"\nunleash_frontend_token_env = "UNLEASH_FRONTEND"\n'
        text = file.read_text(encoding="utf-8")
        named = (
            text.replace("[secrets]\n", f"[secrets]\n{names}")
            if "[secrets]\n" in text
            else f"{text}\n[secrets]\n{names}"
        )
        project.write("staging.toml", named + table)
        project.environment.update({"UNLEASH_ADMIN": ADMIN, "UNLEASH_FRONTEND": FRONTEND})
        assert _on_for_everybody(unleash)
        done = project.run("drills/test_feature_flag.py", "--env", "staging.toml", *CONSENT, "-k", "test_flags_are_off")

        assert _nobody(unleash), done.out
        assert switched_on(running_sandbox), "the product's own flags are nobody's business here"
        assert "all 200 users without the features" in done.out + _journal(done.folder)
        assert "set-flags" in owed(done.folder)
        for secret in (ADMIN, FRONTEND):
            assert secret not in done.out + _journal(done.folder)

        undone = project.run("--env", "staging.toml", *CONSENT, "--undo", str(done.folder))

        assert _on_for_everybody(unleash), undone.out
        assert "set-flags" not in owed(done.folder)


def _journal(folder: Path) -> str:
    return (folder / "journal.jsonl").read_text(encoding="utf-8")
