"""Where the files of the suite lie that are no modules: plan, checks, docs and the report's configuration.

A checkout has them in its own folders. A wheel brings them along (``SHIPPED``), and ``pam-rollback`` lays them out in the repository of a
product; sessions and commands then run in that folder.

And how a command of the suite is typed here: records keep it as in a checkout (``pytest …``), and whoever shows it passes it through
``as_typed_here``.
"""

import re
from pathlib import Path
from typing import Final

PLAN: Final = "plan.toml"
SETTINGS: Final = "pyproject.toml"
_PACKAGE: Final = Path(__file__).resolve().parents[1]
SHIPPED: Final = _PACKAGE / "shipped"
IS_CHECKOUT: Final = not SHIPPED.is_dir()
HOME: Final = _PACKAGE.parents[1] if IS_CHECKOUT else SHIPPED
REPORTS: Final = (HOME if IS_CHECKOUT else Path.cwd()) / "reports"
"""The folder with the report's configuration and its locked generator; runs are below ``out``."""


FIRST_SESSION: Final = "make drill" if IS_CHECKOUT else "pam-rollback -m post_rollback"
"""What leaves a run behind, for whoever has none."""


_SESSION: Final = re.compile(
    r"(?<=\busage: )(?:python -m )?pytest|(?:python -m )?pytest(?=: error: )"
    r"|(?<![\w./-])(?<!-m )pytest(?= (?:-[a-zA-Z]|--(?!pyargs)[a-z]|(?:checks|drills|load)(?:[ /]|$)|…))",
    re.MULTILINE,
)
"""The suite's own sessions: followed by an option or by a place of ours, not in a path, and not as a module of Python; and its usage."""
_MODULE: Final = re.compile(r"(?<![\w./-])python -m pam_rollback\.(?:[a-z_]+\.)*([a-z_]+)")
_TARGET: Final = re.compile(r"`make (alerts|browser|connect|drills|forget|incidents?|report|sandbox)`")
_AS_COMMANDS: Final = {"incident": "postmortem", "incidents": "tracker"}
"""Where a command has another name than its target."""


def command(target: str, from_a_wheel: str = "") -> str:
    """A command of the suite as it is typed here; ``from_a_wheel``: what follows ``pam-rollback run`` where that differs from make's."""
    return f"make {target}" if IS_CHECKOUT else f"pam-rollback run {from_a_wheel or target}"


def as_typed_here(text: str) -> str:
    """The text with the suite's commands as they are typed here; in a checkout nothing changes, and nowhere a word that is no command."""
    if IS_CHECKOUT:
        return text
    text = _MODULE.sub(r"pam-rollback run \1", _SESSION.sub("pam-rollback", text))
    return _TARGET.sub(lambda found: f"`{command(found[1], _AS_COMMANDS.get(found[1], ''))}`", text)


def project_of(folder: Path) -> Path | None:
    """The project in which the folder lies, by its plan; None when it lies in none."""
    return next((one for one in (folder, *folder.parents) if (one / PLAN).is_file()), None)


def is_whole(project: Path) -> bool:
    """Whether pytest finds the suite's settings there, as in a checkout and in the folder that ``pam-rollback`` laid out.

    The repository of a product has a plan, and settings of its own.
    """
    try:
        return '"pam_rollback.session.start_up"' in (project / SETTINGS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
