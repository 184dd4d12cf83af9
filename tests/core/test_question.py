"""What an answer to a question is: a limit of requests, and what could not be looked at, is none."""

from http import HTTPStatus

from pam_rollback.core.errors import MeasurementFailed, ProviderError
from pam_rollback.core.question import State, answered


def failed(status: int | None, words: str = "HTTP …") -> ProviderError:
    """What a client of a provider raises."""
    return ProviderError(words, provider="Netlify", operation="the site", http_status=status)


def test_a_limit_of_requests_is_no_answer() -> None:
    """Not ready would be a false alarm, ready a false all-clear."""

    def busy() -> str:
        raise failed(HTTPStatus.TOO_MANY_REQUESTS)

    def blind() -> str:
        raise MeasurementFailed("could not look")

    def down() -> str:
        raise failed(None, "refused the connection")

    assert [answered("q", ask).state for ask in (busy, blind, down)] == [State.NOT_KNOWN, State.NOT_KNOWN, State.NO]
