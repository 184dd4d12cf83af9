"""Loads of a page: medians of enough of them, and unknown when a page says nothing."""

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.browser.rules.page_loads import Metric, PageLoad, PageLoads, Visit, Vital
from pam_rollback.browser.rules.page_weight import PageWeight, Transfer

FIRST, RETURN = Visit.FIRST, Visit.RETURN
FILES = (Transfer("Script", 60_000), Transfer("Script", 20_000), Transfer("Image", 10_000))


def load(
    visit: Visit = FIRST, lcp: float | None = 300, files: tuple[Transfer, ...] = FILES, problem: str = ""
) -> PageLoad:
    """One load."""
    return PageLoad(visit, {} if lcp is None else {Metric.LCP: lcp}, files, problem)


def page(*loads: PageLoad) -> PageLoads:
    """A page with these loads."""
    return PageLoads("the front page", loads)


def lcp(*values: float | None, limit: float = 2500, before: float | None = None) -> Vital:
    """The vital over first visits."""
    return page(*(load(lcp=value) for value in values)).vital(Metric.LCP, FIRST, limit=limit, before=before)


def test_the_median_is_judged() -> None:
    """Two unlucky loads of five do not decide, three do."""
    assert lcp(300, 4000, 200, 9000, 400).good
    assert not lcp(300, 4000, 2600, 9000, 400).good
    assert lcp(2500, 2500, 2500, 2500, 2500).good, "the limit itself is still good"


def test_the_sentence_has_all_values() -> None:
    """Whoever reads it sees whether it was one load or all."""
    assert str(lcp(300, 4000, 2600, 9000, 400)) == (
        "the front page, first visit: main content painted (LCP) 2600 ms, expected 2500 ms at most "
        "(median of 300 ms, 4000 ms, 2600 ms, 9000 ms, 400 ms)"
    )


def test_first_and_return_visits_are_told_apart() -> None:
    """A fast cache must not hide a slow first visit."""
    loads = page(*[load(FIRST, 3000)] * 5, *[load(RETURN, 100)] * 5)

    assert not loads.vital(Metric.LCP, FIRST, limit=2500).good
    assert loads.vital(Metric.LCP, RETURN, limit=2500).good


@pytest.mark.parametrize(
    ("loads", "words"),
    [
        ([], "0 first visits, 5 are needed"),
        ([load()] * 4, "4 first visits, 5 are needed"),
        ([load(RETURN)] * 5, "0 first visits, 5 are needed"),
        ([*[load()] * 4, load(lcp=None)], "1 of 5 loads reported no main content painted"),
        ([load(lcp=None)] * 5, "5 of 5 loads reported no main content painted"),
        ([*[load()] * 4, load(problem="HTTP 503 for /")], "1 of 5 first visits failed: HTTP 503 for /"),
    ],
)
def test_what_was_not_measured_is_unknown(loads: list[PageLoad], words: str) -> None:
    """No load, too few, or one that says nothing: never fast."""
    with pytest.raises(MeasurementFailed, match=words):
        page(*loads).vital(Metric.LCP, FIRST, limit=2500)


@pytest.mark.parametrize(
    ("value", "before", "good"),
    [
        (900, 300, False),  # three times as much, and half a second is noticed
        (700, 300, True),  # more than twice as much, but nobody notices 400 ms
        (1700, 1300, True),  # 400 ms more, and a third
        (2600, 2600, False),  # as before, and too slow all the same
    ],
)
def test_a_baseline_can_only_make_it_harder(value: float, before: float, good: bool) -> None:  # noqa: FBT001 - a parameter
    """Half as much again, by more than the machine's scatter."""
    assert lcp(*[value] * 5, before=before).good is good


def test_weight_is_that_of_the_load_in_the_middle() -> None:
    """By kind, so that the one that grew is named."""
    heavy = (*FILES, Transfer("Image", 900_000))
    weight = page(load(), load(), load(files=FILES[:1]), load(files=heavy), load(files=heavy)).weight()

    assert (weight.bytes, weight.requests, weight.n) == (90_000, 3, 5)
    assert weight.bytes_by_kind == {"Script": 80_000, "Image": 10_000}
    assert weight.requests_by_kind == {"Script": 2, "Image": 1}


def test_nothing_fetched_is_unknown() -> None:
    """A first visit that transfers nothing was none."""
    with pytest.raises(MeasurementFailed, match="nothing came over the wire"):
        page(*[load(files=())] * 5).weight()


def test_budget_and_baseline() -> None:
    """Whichever is less counts."""
    weight = PageWeight.of("the front page", FILES, 5)
    known = PageWeight.of("the front page", FILES[:1], 5)

    assert weight.megabytes(4, None, increase_pct_max=20).good
    assert not weight.megabytes(0.05, None, increase_pct_max=20).good
    assert weight.megabytes(4, weight, increase_pct_max=20).good
    against = weight.megabytes(4, known, increase_pct_max=20)
    assert not against.good
    assert str(against) == (
        "the front page: weight 0.09 MB, expected 0.072 MB at most "
        "(budget 4, baseline 0.06 and at most 20 % more; Script 80 kB, Image 10 kB)"
    )
    assert not weight.count(150, known, increase_pct_max=20).good
    assert weight.count(150, None, increase_pct_max=20).figures.measured == 3
