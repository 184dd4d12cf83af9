"""Expenses and settings are shown as the API knows them, and kept."""

from playwright.sync_api import expect

from tests.sandbox.site_visits import Visit


def test_pages_show_what_the_api_knows(visit: Visit) -> None:
    """Name, month's total and both releases on the page are those of the API and of the server of the page."""
    token = visit.site.account_token()
    profile = visit.site.call("GET", f"{visit.site.api}/api/v1/profile", token)
    expenses = visit.site.call("GET", f"{visit.site.api}/api/v1/expenses?limit=200", token)["expenses"]
    visit.sign_in(then="/wins")
    month = visit.page.evaluate("() => new Date().toLocaleDateString('sv').slice(0, 7)")
    total = (
        sum(round(float(expense["amount"]) * 100) for expense in expenses if expense["date"].startswith(month)) / 100
    )

    expect(visit.page.get_by_test_id("user-name")).to_have_text(profile["full_name"])
    shown = visit.page.get_by_test_id("month-total").inner_text()
    assert float(shown.lstrip("$€£").replace(",", "")) == total
    config = visit.site.call("GET", f"{visit.site.frontend}/config.json")
    version = visit.site.call("GET", f"{visit.site.api}/version")
    expect(visit.page.get_by_test_id("page-release")).to_have_text(config["release"])
    expect(visit.page.get_by_test_id("api-release")).to_have_text(version["release"])


def test_an_expense_is_added_and_deleted(visit: Visit) -> None:
    """An expense counts in the month's total, and is gone from it after a confirmed deletion."""
    visit.sign_in(then="/wins")
    total = visit.page.get_by_test_id("month-total")
    before = total.inner_text()

    visit.page.get_by_label("Amount").fill("12,34")
    visit.page.get_by_label("Note").fill("Ferry ticket")
    visit.page.get_by_role("button", name="Add expense").click()
    entry = visit.page.get_by_role("row").filter(has_text="Ferry ticket")
    expect(entry).to_contain_text("12.34")
    expect(total).not_to_have_text(before)

    entry.get_by_role("button").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
    expect(total).to_have_text(before)


def test_an_impossible_amount_is_explained_and_not_sent(visit: Visit) -> None:
    """A word instead of an amount is refused at the field."""
    visit.sign_in(then="/wins")

    visit.page.get_by_label("Amount").fill("a lot")
    visit.page.get_by_role("button", name="Add expense").click()

    expect(visit.page.get_by_text("Enter an amount such as 12.50.")).to_be_visible()
    expect(visit.page.get_by_label("Amount")).to_be_focused()


def test_settings_and_name_are_kept(visit: Visit) -> None:
    """What is saved in settings and profile is there after a reload, and the trips use it."""
    visit.sign_in(then="/settings")
    visit.page.get_by_label("Distances in").select_option("km")
    visit.page.get_by_label("Budget for a month").fill("1234.50")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text("Saved.")).to_be_visible()
    visit.page.reload()
    expect(visit.page.get_by_label("Budget for a month")).to_have_value("1234.5")
    visit.open("/wheels")
    expect(visit.page.get_by_text("420 km")).to_be_visible()

    visit.open("/profile")
    name = visit.page.get_by_label("Full name").input_value()
    visit.page.get_by_label("Full name").fill(f"{name} Junior")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_test_id("profile-name")).to_have_text(f"{name} Junior")
    expect(visit.page.get_by_test_id("user-name")).to_have_text(f"{name} Junior")
    visit.page.get_by_label("Full name").fill(name)
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_test_id("user-name")).to_have_text(name)
