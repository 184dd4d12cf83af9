"""The site works for a person: with and without each feature, by keyboard, on a phone, and when the API fails."""

from datetime import datetime

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.sandbox.site_visits import FEATURES, WITHIN_MS, Range, Visit

DESKTOP_AT_200_PERCENT: ViewportSize = {"width": 640, "height": 400}
PHONE: ViewportSize = {"width": 390, "height": 844}
DEADLINE_OF_THE_PAGE_MS = 8_000
ADDRESSES = ("/", "/login", "/pam", "/wins", "/wheels", "/profile", "/settings", "/no-such-page")


def test_an_answer_of_pam_is_shown_announced_and_stored(visit: Visit) -> None:
    """A message is answered, the answer is spoken to screen readers, and both are still there after a reload."""
    visit.sign_in()
    question = f"Is the coast road open? {datetime.now().astimezone():%H:%M:%S.%f}"
    answers = visit.page.get_by_test_id("message-assistant").get_by_test_id("message-text")

    visit.say(question)
    expect(visit.page.get_by_test_id("message-text").filter(has_text=question).first).to_be_visible()
    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    answer = answers.last.inner_text()
    expect(visit.page.locator("#announcer")).to_contain_text(answer)

    visit.page.reload()
    expect(visit.page.get_by_test_id("message-user").last.get_by_test_id("message-text")).to_have_text(question)
    expect(answers.last).to_have_text(answer)


def test_what_a_person_writes_never_becomes_markup(visit: Visit) -> None:
    """HTML in a message is shown as it was typed and does nothing."""
    visit.sign_in()

    visit.say("<img src=x onerror=\"document.title='broken in'\"><b>bold</b>")

    expect(visit.page.get_by_test_id("message-user").last).to_contain_text("<b>bold</b>")
    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    assert visit.page.locator(".messages img, .messages b").count() == 0
    assert "broken in" not in visit.page.title()


def test_a_wrong_password_is_explained(visit: Visit) -> None:
    """A refused login says in plain words what to check, and keeps the person on the form."""
    visit.open("/login")
    visit.page.locator("input[type=email]").fill(visit.site.email)
    visit.page.locator("input[type=password]").fill("not the password")
    visit.page.get_by_role("main").get_by_role("button", name="Log in").click()

    expect(visit.page.get_by_role("alert")).to_contain_text("do not fit together")
    expect(visit.page.locator("input[type=email]")).to_be_visible()


def test_an_incomplete_login_names_the_field(visit: Visit) -> None:
    """Empty fields are named at the field, and the first of them gets the focus."""
    visit.open("/login")
    visit.page.get_by_role("main").get_by_role("button", name="Log in").click()

    expect(visit.page.get_by_text("Enter your e-mail address.")).to_be_visible()
    expect(visit.page.locator("input[type=email]")).to_be_focused()
    expect(visit.page.locator("input[type=email]")).to_have_attribute("aria-invalid", "true")


def test_rolling_back_the_enhanced_chat_is_seen_without_and_with_a_reload(visit: Visit) -> None:
    """With PAM_ENHANCED_UI off the open chat becomes the plain one by itself, keeps the draft, and reloads as such."""
    plain = visit.page.get_by_role("heading", name="Chat with PAM")
    ideas = visit.page.get_by_role("list", name="Trip ideas")
    visit.sign_in()
    expect(visit.page.get_by_role("heading", name="Plan your next trip with PAM")).to_be_visible()
    expect(visit.page.get_by_text("New: trip ideas")).to_be_visible()
    expect(ideas.get_by_role("button").first).to_be_visible()
    expect(visit.page.locator("body[data-feature=enhanced-ui]")).to_have_count(1)
    visit.page.get_by_label("Your message to PAM").fill("half a sentence")

    visit.site.switch("PAM_ENHANCED_UI", on=False)

    expect(plain).to_be_visible()
    expect(visit.page).to_have_title("Chat with PAM | Wheels & Wins")
    expect(visit.page.get_by_label("Your message to PAM")).to_have_value("half a sentence")
    for _ in ("without a reload", "with a reload"):
        expect(plain).to_be_visible()
        expect(visit.page.get_by_text("New: trip ideas")).to_have_count(0)
        expect(ideas).to_have_count(0)
        expect(visit.page.locator(".avatar")).to_have_count(0)
        expect(visit.page.locator("[data-feature]")).to_have_count(0)
        visit.page.reload()


def test_a_trip_idea_is_asked_by_one_press(visit: Visit) -> None:
    """In the enhanced chat an idea is sent as a message and answered."""
    visit.sign_in()

    visit.page.get_by_role("button", name="Find a quiet campground").click()

    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    expect(visit.page.get_by_test_id("message-user").last).to_contain_text("Find a quiet campground")


def test_a_spoken_message_is_heard_and_answered(visit: Visit) -> None:
    """With PAM_VOICE_FEATURES the voice button records, and the page shows what PAM heard and what it answers."""
    visit.sign_in()
    spoken = visit.page.get_by_test_id("message-user").filter(has_text="spoken")
    expect(spoken).to_have_count(0)

    visit.page.get_by_role("button", name="Speak").click()
    visit.page.get_by_role("button", name="Stop and send").click()

    expect(spoken.get_by_test_id("message-text")).not_to_be_empty()
    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")


def test_rolling_back_voice_takes_the_button_away(visit: Visit) -> None:
    """With PAM_VOICE_FEATURES off the voice button goes without a reload, even while it records."""
    visit.sign_in()
    visit.page.get_by_role("button", name="Speak").click()
    expect(visit.page.get_by_role("button", name="Stop and send")).to_be_visible()

    visit.site.switch("PAM_VOICE_FEATURES", on=False)

    expect(visit.page.get_by_test_id("voice")).to_have_count(0)
    visit.page.reload()
    expect(visit.page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(visit.page.get_by_test_id("voice")).to_have_count(0)


def test_a_long_history_comes_in_portions_only_with_the_optimizations(visit: Visit) -> None:
    """With PAM_PERFORMANCE_OPTIMIZATIONS earlier messages come on demand; without it, all come at once."""
    token = visit.site.account_token()
    for number in range(13):
        visit.site.call("POST", f"{visit.site.api}/api/v1/pam/chat", token, {"message": f"Stop number {number}?"})
    everything = len(visit.site.call("GET", f"{visit.site.api}/api/v1/pam/history?limit=200", token)["messages"])
    shown = visit.page.get_by_test_id("message-text")

    visit.sign_in()
    expect(shown).to_have_count(20)
    visit.page.get_by_role("button", name="Show earlier messages").click()
    expect(shown).to_have_count(min(40, everything))

    visit.site.switch("PAM_PERFORMANCE_OPTIMIZATIONS", on=False)
    expect(shown).to_have_count(everything)
    expect(visit.page.get_by_role("button", name="Show earlier messages")).to_have_count(0)


def test_the_stable_release_has_a_plain_page_whatever_the_flags_say(visit: Visit) -> None:
    """A page of the release before the features has none of them, and its footer names that release."""
    visit.site.control.go_live("stable")
    visit.sign_in()

    expect(visit.page.get_by_test_id("page-release")).to_have_text("1.41.3")
    expect(visit.page.get_by_test_id("api-release")).to_have_text("1.41.3")
    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    expect(visit.page.get_by_role("list", name="Trip ideas")).to_have_count(0)
    expect(visit.page.get_by_test_id("voice")).to_have_count(0)


def test_a_failing_chat_says_so_and_tries_again(visit: Visit) -> None:
    """When PAM does not answer, an alert says it in words, the message stays, and one press sends it again."""
    visit.sign_in()
    visit.site.control.plant("answers-html", path="/api/v1/pam/chat", server="api")
    visit.say("Are you there?")
    expect(visit.page.get_by_role("alert")).to_contain_text("PAM could not answer.")
    expect(visit.page.get_by_test_id("message-user").last).to_contain_text("Are you there?")

    visit.site.control.clear_all()
    visit.page.get_by_role("button", name="Try again").click()

    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    expect(visit.page.get_by_role("alert")).to_have_count(0)


def test_errors_behind_the_enhanced_chat_are_seen_and_gone_after_its_rollback(visit: Visit) -> None:
    """A person meets the planted incident as an alert, and after the rollback of the flag the same press succeeds."""
    visit.sign_in()
    visit.site.control.plant("errors", share=1)
    visit.say("Where do we sleep tonight?")
    expect(visit.page.get_by_role("alert")).to_contain_text("Something went wrong on our side (error 500).")

    visit.site.switch("PAM_ENHANCED_UI", on=False)
    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    visit.page.get_by_role("button", name="Try again").click()

    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")


@pytest.mark.parametrize(
    ("fault", "path", "endpoint"),
    [
        ("answers-html", "/", "/api/v1/profile"),
        ("answers-garbage", "/wins", "/api/v1/expenses"),
        ("answers-half-closed", "/wheels", "/api/v1/expenses"),
        ("answers-silence", "/wins", "/api/v1/settings"),
        ("answers-never-ending", "/wins", "/api/v1/expenses"),
    ],
)
def test_a_dead_back_end_is_no_account_without_money(visit: Visit, fault: str, path: str, endpoint: str) -> None:
    """However the API fails, the page shows an alert with a way to try again, and no amount that nobody answered."""
    visit.sign_in()
    visit.site.control.plant(fault, path=endpoint, server="api")
    visit.open(path)

    expect(visit.page.get_by_role("alert")).to_contain_text(
        "could not be loaded", timeout=DEADLINE_OF_THE_PAGE_MS + WITHIN_MS
    )
    expect(visit.page.get_by_test_id("month-total")).to_have_count(0)

    visit.site.control.clear_all()
    visit.page.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_test_id("month-total")).to_be_visible()
    expect(visit.page.get_by_role("alert")).to_have_count(0)


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


def test_a_page_for_members_asks_to_log_in_and_then_shows_it(visit: Visit) -> None:
    """Somebody who is not signed in is sent to the form with a reason, and lands where they wanted to go."""
    visit.open("/wins")
    expect(visit.page.get_by_role("alert")).to_contain_text("Please log in")

    visit.page.locator("input[type=email]").fill(visit.site.email)
    visit.page.locator("input[type=password]").fill(visit.site.password)
    visit.page.keyboard.press("Enter")

    expect(visit.page.get_by_test_id("month-total")).to_be_visible()


@pytest.mark.parametrize("spoiled", [{"token": "refused"}, {"expiresAt": 1}], ids=["refused by the API", "run out"])
def test_an_ended_session_leads_to_the_login_with_a_reason(visit: Visit, spoiled: dict[str, object]) -> None:
    """A session that is over sends the person to the form and says why; nothing of the account stays on the page."""
    visit.sign_in(then="/wins")
    visit.page.evaluate(
        """(spoiled) => {
            const stored = JSON.parse(sessionStorage.getItem("wheels-and-wins.session"));
            sessionStorage.setItem("wheels-and-wins.session", JSON.stringify({ ...stored, ...spoiled }));
        }""",
        spoiled,
    )

    visit.page.get_by_role("link", name="Profile").click()

    expect(visit.page.get_by_role("alert")).to_contain_text("Your session has ended.")
    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(visit.page.get_by_test_id("user-name")).to_have_count(0)


def test_logging_out_forgets_the_account(visit: Visit) -> None:
    """After the log-out a page for members asks to log in again, also with the back button."""
    visit.sign_in(then="/wins")
    visit.page.get_by_role("button", name="Log out").click()
    expect(visit.page.get_by_role("link", name="Log in", exact=True)).to_be_visible()

    visit.page.go_back()

    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert visit.page.evaluate("() => sessionStorage.getItem('wheels-and-wins.session')") is None


def test_the_chat_works_by_keyboard_alone(visit: Visit) -> None:
    """From the address bar to PAM's answer without a pointer; every stop on the way can be seen."""
    page = visit.page

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            stop = page.evaluate(
                """() => {
                    const stop = document.activeElement;
                    const style = getComputedStyle(stop);
                    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                    const name = stop.getAttribute("aria-label") ?? stop.labels?.[0]?.textContent ?? stop.textContent;
                    return [name.trim(), outlined || stop === document.body];
                }"""
            )
            assert stop[1], f"the focus cannot be seen on {stop[0]!r}"
            if stop[0] == name:
                return
        pytest.fail(f"Tab never reaches {name!r}")

    visit.open("/login")
    tab_to("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to("E-mail address")
    page.keyboard.type(visit.site.email)
    tab_to("Password")
    page.keyboard.type(visit.site.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="PAM")).to_be_focused()
    tab_to("Conversation")
    tab_to("Your message to PAM")
    page.keyboard.type("By keyboard: is there a campground?")
    page.keyboard.press("Enter")

    expect(page.locator("#announcer")).to_contain_text("PAM says: ")
    expect(page.get_by_label("Your message to PAM")).to_be_focused()


def test_a_change_of_view_moves_focus_and_title(visit: Visit) -> None:
    """Each view has a title of its own, and following a link moves the focus to its heading; the back button too."""
    visit.sign_in(then="/")
    titles = [visit.page.title()]
    for link in ("PAM", "Wins", "Wheels", "Profile", "Settings"):
        visit.page.get_by_role("navigation").get_by_role("link", name=link).click()
        expect(visit.page.get_by_role("navigation").get_by_role("link", name=link)).to_have_attribute(
            "aria-current", "page"
        )
        expect(visit.page.get_by_role("heading", level=1)).to_be_focused()
        titles.append(visit.page.title())
    assert len(set(titles)) == len(titles), titles

    visit.page.go_back()
    expect(visit.page.get_by_role("heading", level=1, name="Your profile")).to_be_focused()


def test_an_unknown_address_is_met_kindly(visit: Visit) -> None:
    """An address that does not exist says so and offers the way home."""
    visit.open("/no/such/page")
    expect(visit.page).to_have_title("Page not found | Wheels & Wins")

    visit.page.get_by_role("link", name="Back to the start").click()

    expect(visit.page.get_by_role("heading", level=1, name="Plan the road.")).to_be_focused()


def test_no_console_complaints_and_no_request_to_elsewhere(visit: Visit) -> None:
    """On every address, signed out and signed in, the browser has no complaint and stays on this machine."""
    for path in ADDRESSES:
        visit.open(path)
    visit.sign_in()
    visit.say("Good morning")
    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    for path in ADDRESSES:
        visit.open(path)
        visit.page.wait_for_load_state("networkidle")

    assert visit.complaints == []
    assert visit.hosts == {"127.0.0.1"}


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP_AT_200_PERCENT], ids=["phone", "desktop at 200 %"])
@pytest.mark.parametrize("features", [True, False], ids=["with features", "plain"])
def test_nothing_scrolls_sideways(chromium: Browser, site: Range, viewport: ViewportSize, features: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """On a phone and at 200 % zoom every view fits the width, and every control can be hit (WCAG 2.2, 2.5.8)."""
    site.switch(*FEATURES, on=features)
    context = chromium.new_context(viewport=viewport)
    visit = Visit(context.new_page(), site)
    visit.sign_in()
    for path in ADDRESSES:
        visit.open(path)
        visit.page.wait_for_load_state("networkidle")

        assert visit.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), path
        too_small = visit.page.evaluate(
            """() => [...document.querySelectorAll("button, input, select, textarea, nav a, a.button")]
                .filter((control) => Math.min(control.offsetWidth, control.offsetHeight) < 24)
                .map((control) => control.outerHTML)"""
        )
        assert too_small == [], path
    context.close()


def test_the_visitors_wishes_for_colours_and_motion_are_honoured(visit: Visit) -> None:
    """A dark scheme darkens the page, and with reduced motion nothing moves by itself."""
    visit.open("/")
    background = "() => getComputedStyle(document.body).backgroundColor"
    visit.page.emulate_media(color_scheme="light")
    light = visit.page.evaluate(background)
    visit.page.emulate_media(color_scheme="dark", reduced_motion="reduce")

    assert visit.page.evaluate(background) != light
    assert visit.page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_a_site_without_its_configuration_says_so(visit: Visit) -> None:
    """When the page cannot learn where the API is, it says so and starts once it can."""
    visit.site.control.plant("answers-garbage", path="/config.json", server="frontend")
    visit.open("/")
    expect(visit.page.get_by_role("alert")).to_contain_text("could not find its service")

    visit.site.control.clear_all()
    visit.page.get_by_role("button", name="Try again").click()

    expect(visit.page.get_by_role("heading", level=1, name="Plan the road.")).to_be_visible()
