"""What is asked over and over, and whether a product bears it: no waiting makes it less."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Steady:
    """An address that a process asks over and over."""

    url: str
    per_minute: float
    token: bool = False
    """With the token of the test account."""
    browser: bool = False
    """As a browser asks: it is another client than we are."""

    @property
    def path(self) -> str:
        """By which the product counts it."""
        rest = self.url.partition("://")[2] or self.url
        return "/" + rest.partition("/")[2].partition("?")[0]


def beyond(
    asked: Sequence[Steady],
    *,
    paths: int | None,
    address: int | None,
    without_token: int | None,
    with_token: int | None,
    client: int | None,
    free: Collection[str],
) -> list[tuple[str, float]]:
    """Return each limit that is exceeded, in words, and how many times; a limit of None is not known."""
    counted = [one for one in asked if one.path not in free]
    named, different = [one for one in counted if one.token], len({one.path for one in asked})
    rates = (
        ("without a token", without_token, [one for one in counted if not one.token]),
        ("with a token", with_token, named),
        ("as one client", client, [one for one in counted if not one.browser]),
        ("as one browser", client, [one for one in counted if one.browser]),
        ("in all", address, counted),
    )
    wanted = [
        (f"requests a minute {what}", most, sum(one.per_minute for one in requests)) for what, most, requests in rates
    ]
    wanted.append(("different paths", paths, different))
    return [
        (f"{want:.0f} {what}, of which the product bears {most} of us", want / most)
        for what, most, want in wanted
        if most is not None and want > most
    ]
