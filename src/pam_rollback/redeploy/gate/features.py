"""What is new in a release and behind which flag: as its repository declares it, and as users get it (PM-1).

The declaration is a file of the repository::

    {"release": "1.42.0", "features": [{"feature": "voice", "since": "1.42.0", "flag": "PAM_VOICE_FEATURES", "default": false}]}
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.core.answer import NotJson, read_json
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.core.outside_text import cut
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.redeploy.gate.incident import VOUCH

_EXAMPLE = '{"release": "1.42.0", "features": [{"feature": "voice", "since": "1.42.0", "flag": "PAM_VOICE_FEATURES", "default": false}]}'
_HOW = "docs/how-to/redeploy.md says what belongs there"


@dataclass(frozen=True)
class Feature:
    """One feature. ``flag`` is empty and ``default`` None where the declaration does not say."""

    name: str
    since: str
    flag: FlagName = ""
    default: bool | None = None


@dataclass(frozen=True)
class Register:
    """What a release declares."""

    release: str
    features: tuple[Feature, ...]

    def new_since(self, before: "Register | None") -> tuple[Feature, ...]:
        """Those that the release before does not declare; where that is not known, those that say they are of this release."""
        if before is None:
            return tuple(feature for feature in self.features if feature.since == self.release)
        old = {feature.name for feature in before.features}
        return tuple(feature for feature in self.features if feature.name not in old)


def read_register(text: str | None, place: str) -> Register:
    """Read a declaration. Raises MeasurementFailed when there is none, or when it cannot be understood."""
    if text is None:
        raise MeasurementFailed(f"{place}: there is no such file; expected {_EXAMPLE}; {_HOW}")
    try:
        document: Any = read_json(text)
    except NotJson as error:
        raise MeasurementFailed(f"{place}: expected JSON that can be read in one way ({error}); {_HOW}") from None
    release = document.get("release") if isinstance(document, dict) else None
    listed = document.get("features") if isinstance(document, dict) else None
    if not isinstance(release, str) or not isinstance(listed, list):
        raise MeasurementFailed(f"{place}: expected a release and a list of features, found {cut(text, 80)!r}; {_HOW}")
    return Register(release, tuple(_feature(one, f"{place}, feature {number}") for number, one in enumerate(listed, 1)))


def _feature(one: Any, place: str) -> Feature:
    if not isinstance(one, dict) or not all(isinstance(one.get(key), str) and one[key] for key in ("feature", "since")):
        raise MeasurementFailed(f"{place}: expected at least feature and since, found {one!r}; {_HOW}")
    flag, default = one.get("flag"), one.get("default")
    return Feature(
        one["feature"],
        one["since"],
        flag if isinstance(flag, str) else "",
        default if isinstance(default, bool) else None,
    )


@dataclass(frozen=True, repr=False, kw_only=True)
class Declared(Measured):
    """Whether every new feature is behind a flag that is off by default: what is new, and what is wrong."""

    new: tuple[Feature, ...]
    problems: tuple[str, ...]


def declared(register: Register, *, version: str, before: Register | None) -> Declared:
    """Judge the declaration of the candidate, which is ``version`` (empty: nobody told)."""
    new = register.new_since(before)
    problems = tuple(_problems(register, new, version))
    sentence = f"release {register.release} declares no new feature"
    if problems:
        sentence = (
            f"release {register.release} brings features that a deploy would give to everybody: {'; '.join(problems)}"
        )
    elif new:
        names = ", ".join(f"{feature.name} ({feature.flag})" for feature in new)
        sentence = f"release {register.release}: each of its {len(new)} new features is behind a flag that is off by default: {names}"
    return Declared(
        what="new features that are not behind a flag, off by default",
        asked="none",
        value=len(problems),
        n=len(new),
        sentence=sentence,
        new=new,
        problems=problems,
    )


def _problems(register: Register, new: Collection[Feature], version: str) -> Iterator[str]:
    if version and register.release != version:
        yield f"the declaration is of release {register.release}, and the candidate is {version}: it was not kept up"
    names = [feature.name for feature in register.features]
    yield from (
        f"{name} is declared {names.count(name)} times" for name in dict.fromkeys(names) if names.count(name) > 1
    )
    for feature in new:
        if not feature.flag:
            yield f"{feature.name} has no flag"
        elif feature.default is None:
            yield f"{feature.name}: whether {feature.flag} is off by default is not said"
        elif feature.default:
            yield f"{feature.name}: {feature.flag} is on by default"


@dataclass(frozen=True, repr=False, kw_only=True)
class Exposure(Measured):
    """Who would get the new features from a deploy, by what the environment says now."""

    reached: tuple[str, ...]
    """What would reach users: a flag that is not known there or is on, and a feature that some of those who were asked get."""


@dataclass(frozen=True)
class FlagsFound:
    """What was read when the gate began."""

    found: Mapping[FlagName, Flag] = field(default_factory=dict)
    users: Mapping[str, Mapping[FlagName, bool]] | None = None
    """What each of some users got; None where nobody can be evaluated."""
    problem: str = ""
    """Why it was not read; empty when it was."""

    def exposure(self, environment: str, asked: Sequence[FlagName]) -> Exposure:
        """Who got which of these features. Raises MeasurementFailed when that was not read."""
        if self.problem:
            raise MeasurementFailed(f"who gets the new features is not known: {self.problem}")
        answers = [*(self.users or {}).values()]
        silent = sorted({name for name in asked for flags in answers if name not in flags})
        if silent:
            raise MeasurementFailed(
                f"the flag evaluation says nothing of {', '.join(silent)}: what users get is not known"
            )
        served = {name: sum(flags[name] for flags in answers) for name in asked}
        on = [name for name in asked if name in self.found and not self.found[name].off_for_all]
        reached = [f"{environment} knows no flag {name}" for name in asked if name not in self.found]
        reached += [f"{name} is {self.found[name]}" for name in on]
        reached += [f"{count} of {len(answers)} users get {name}" for name, count in served.items() if count]
        who = f", and none of {len(answers)} users gets them" if self.users is not None else ""
        sentence = f"{environment}: {', '.join(asked)} are off{who}"
        if reached:
            found = "; ".join(reached)
            sentence = f"a deploy to {environment} would reach users at once: {found}; switch them off first"
        if not asked:
            sentence = f"{environment}: the candidate declares no new feature"
        by_users = self.users is not None
        return Exposure(
            what="users who get a new feature" if by_users else "flags of new features that are on",
            asked="0",
            value=max(served.values(), default=0) if by_users else len(on),
            n=len(answers) if by_users else len(asked),
            sentence=sentence,
            reached=tuple(reached),
        )

    def refuse_off(self, flags: Sequence[FlagName]) -> None:
        """Raise MeasurementFailed where one of these features is off: what it does was not seen."""
        off = [name for name in flags if name in self.found and self.found[name].off_for_all]
        if self.problem or off:
            why = self.problem or ", ".join(off)
            raise MeasurementFailed(
                f"the new features are off, so what they do was not tried ({why}): try them where they may be on, and vouch with {VOUCH}"
            )
