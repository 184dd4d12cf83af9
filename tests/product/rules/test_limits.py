"""What the product bears within a minute, held against what a session asks: told, and refused where no waiting helps."""

import pytest

from pam_rollback.product.rules.limits import Asks, Budget, Limits, Steady

TODAY = Limits(paths=20, address=200, without_token=50, with_token=100, client=90, free=("/health",))


def test_what_others_use_is_shared() -> None:
    """Nobody else is this browser, or the test account."""
    ours = TODAY.ours

    assert (ours.paths, ours.address, ours.without_token, ours.with_token) == (15, 150, 37, 75)
    assert ours.client == 90
    assert (TODAY.known, Limits().known, Limits().ours) == (True, False, Limits())


def test_it_is_told_in_one_sentence() -> None:
    """What several ask for is added up; a path counts once."""
    watch = Asks(paths=frozenset({"/openapi.json"}), steady=(Steady("/health", 30), Steady("/api/me", 12, token=True)))
    walk = Asks(paths=frozenset({"/openapi.json"}), sign_ins=2, page_loads=1, too_few=("SC-1: too few",))
    asked = Asks.all([watch, walk, walk])

    assert str(Budget(asked, TODAY)) == (
        "at most 3 paths of the API (15 a minute), 12 requests a minute with a token (of 75), 4 sign-ins, 2 page loads with "
        "what they ask"
    )
    assert asked.too_few == ("SC-1: too few",)
    assert str(Budget(Asks(), Limits())) == "nothing of the API, and opens no page"


def test_what_a_load_test_sends_is_told_too() -> None:
    """Its questions cost as much as any: it is never nothing."""
    load = Asks(under_load=1440, under_load_questions=288)

    assert str(Budget(load, Limits())) == "at most 1440 requests under load, of which 288 questions to PAM"
    assert str(Budget(load + Asks(questions=2), TODAY)) == (
        "at most 2 questions to PAM; and 1440 requests under load, of which 288 questions to PAM"
    )


@pytest.mark.parametrize(
    ("steady", "limits", "said"),
    [
        ((Steady("/metrics", 37),), TODAY, ""),
        (
            (Steady("/metrics", 240),),
            TODAY,
            "240 requests a minute without a token, of which the product bears 37 of us",
        ),
        ((Steady("/health", 3000),), TODAY, ""),
        ((Steady("/api/me", 75, token=True),), TODAY, ""),
        ((Steady("/api/me", 76, token=True),), TODAY, "76 requests a minute with a token"),
        (
            (Steady("/a", 30), Steady("/api/me", 61, token=True)),
            TODAY,
            "91 requests a minute as one client, of which the product bears 90 of us",
        ),
        ((Steady("/a", 30), Steady("/b", 121, token=True)), Limits(address=200), "151 requests a minute in all"),
        ((Steady("/metrics", 9999),), Limits(), ""),
    ],
    ids=[
        "as many as we may",
        "more",
        "free",
        "with a token, as many",
        "with a token, more",
        "of one client",
        "of one address",
        "nothing is known",
    ],
)
def test_more_than_the_product_bears_is_said(steady: tuple[Steady, ...], limits: Limits, said: str) -> None:
    """Asked over and over it only grows: nobody can wait for that."""
    beyond = "; ".join(Budget(Asks(steady=steady), limits).beyond)

    assert beyond.startswith(said), beyond
    assert bool(beyond) is bool(said)
