"""What stood in the way, as errors carry it on."""

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, cause_of


def no_answer() -> None:
    """What somebody met."""
    raise MeasurementFailed("no answer", cause="the database is down")


def raised(error: Exception, *, told: bool) -> Exception:
    """The same, raised where another error was caught; ``told``: because of it."""
    try:
        no_answer()
    except MeasurementFailed as before:
        try:
            raise error from (before if told else None)
        except type(error) as found:
            return found
    return error


def test_who_tells_of_an_error_tells_of_its_cause() -> None:
    """By whatever name. Who has one of its own keeps it, and who only came later has none."""
    assert cause_of(raised(MeasurementFailed("tickets"), told=True)) == "the database is down"
    assert cause_of(raised(ActionFailed("not done"), told=True)) == "the database is down"
    assert cause_of(raised(MeasurementFailed("x", cause="no model"), told=True)) == "no model"
    assert cause_of(raised(MeasurementFailed("something else"), told=False)) == ""
    assert cause_of(KeyError("x")) == cause_of(None) == ""
