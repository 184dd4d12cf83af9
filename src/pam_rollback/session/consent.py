"""Where consent stands: on the command line of this session, where somebody typed it, or anywhere else, where it was left lying.

pytest reads options from ``PYTEST_ADDOPTS``, from ``addopts`` of a settings file and from files of arguments (``@FILE``) as if they were
typed. For consent to a change they do not count: a variable that is set in a shell consents to every session of that shell.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

SAYS_WHAT: Final[Mapping[str, str]] = {
    "--env": "pam_env",
    "--mode": "pam_mode",
    "--execute": "pam_execute",
    "--confirm": "pam_confirm",
    "--reason": "pam_reason",
    "--initiated-by": "pam_initiated_by",
    "--to": "pam_to",
    "--situation": "pam_situation",
    "--undo": "pam_undo",
    "--resume": "pam_resume",
    "--approve": "pam_approve",
    "--adopt": "pam_adopt",
    "--take-over": "pam_take_over",
}
"""The options that say yes, and those that say to what; where each is found in pytest's options."""
_LISTS: Final = frozenset({"--to", "--approve"})
_DEFAULTS: Final[Mapping[str, object]] = {"--mode": "drill"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for option, name in SAYS_WHAT.items():
        if option == "--execute":
            parser.add_argument(option, dest=name, action="store_true")
        elif option in _LISTS:
            parser.add_argument(option, dest=name, action="append", default=[])
        else:
            parser.add_argument(option, dest=name, default=_DEFAULTS.get(option, ""))
    parser.add_argument("-m", dest="markexpr", default="")
    return parser


_PARSER: Final = _parser()


def typed(args: Sequence[str]) -> argparse.Namespace:
    """What these arguments themselves say, without what pytest adds to them. Raises ValueError for what pytest would refuse, too."""
    return _PARSER.parse_known_args(list(args))[0]


def borrowed(
    effective: Any, args: Sequence[str], *, stories: Sequence[str] = (), phase: bool = False
) -> tuple[str, ...]:
    """The options that take effect and were not typed like that, by name.

    ``args`` is the command line, ``effective`` what pytest made of it. A story counts as typed when its file, the folder of stories, or
    its situation stands on the command line. With ``phase`` what acts is one that -m names.
    """
    said = typed(args)
    found = [
        option
        for option, name in SAYS_WHAT.items()
        if getattr(effective, name) != _nothing(option) and getattr(effective, name) != getattr(said, name)
    ]
    if phase and effective.markexpr != said.markexpr:
        found.append("-m")
    places = [arg.partition("::")[0].rstrip("/") for arg in args if not arg.startswith("-")]
    if not said.pam_situation and not said.pam_resume:
        found += [story for story in stories if not any(_names(place, story) for place in places)]
    return tuple(found)


def _nothing(option: str) -> object:
    return [] if option in _LISTS else False if option == "--execute" else _DEFAULTS.get(option, "")


def _names(place: str, story: str) -> bool:
    last = place.rpartition("/")[2]
    return last in {"drills", f"test_{story.replace('-', '_')}.py"}
