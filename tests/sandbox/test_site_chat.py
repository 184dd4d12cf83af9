"""The chat works for a person: with and without each feature, spoken, by keyboard, and when the API fails."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from tests.sandbox.site_visits import Visit


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
    everything = len(visit.site.call("GET", f"{visit.site.api}/api/v1/pam/history?limit=60", token)["messages"])
    shown = visit.page.get_by_test_id("message-text")

    visit.sign_in()
    expect(shown).to_have_count(20)
    visit.page.get_by_role("button", name="Show earlier messages").click()
    expect(shown).to_have_count(min(40, everything))

    visit.site.switch("PAM_PERFORMANCE_OPTIMIZATIONS", on=False)
    expect(shown).to_have_count(everything)
    expect(visit.page.get_by_role("button", name="Show earlier messages")).to_have_count(0)


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
