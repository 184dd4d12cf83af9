// The chat with PAM. Three features change it while it is open: richer looks, voice, and a history in portions.

import { expectShape } from "../api.js";
import { confirmed } from "../dialog.js";
import { h, icon, newId, viewHeading } from "../dom.js";
import { ENHANCED_UI, PERFORMANCE, VOICE } from "../flags.js";
import { whileBusy } from "../forms.js";
import { moment } from "../format.js";
import { BIN, MICROPHONE, PERSON, SEND, SPARK, STOP, WHEEL } from "../icons.js";
import { createProblemBox } from "../problem.js";
import { nameThePage } from "../router.js";
import { startRecording } from "../voice.js";

const PLAIN_TITLE = "Chat with PAM";
const ENHANCED_TITLE = "Plan your next trip with PAM";
const LONGEST = 2000;
const COUNT_FROM = 1800;
const WHOLE_HISTORY = 60;
const PORTION = 20;
const FLAGS_PATIENCE_MS = 3000;
const CLOCK_DIFFERENCE_MS = 60_000;
const IDEAS = ["Plan a weekend by the sea", "Find a quiet campground", "How can I save on fuel?"];

function messageItem(message, enhanced) {
  const fromPam = message.role === "assistant";
  return h(
    "li",
    { class: `message ${message.role}`, data: { testid: `message-${message.role}` } },
    enhanced ? h("span", { class: "avatar" }, icon(fromPam ? WHEEL : PERSON)) : null,
    h(
      "div",
      { class: "message-body" },
      h(
        "p",
        { class: "message-meta" },
        h("span", { class: "message-author" }, fromPam ? "PAM" : "You"),
        message.created_at ? h("time", { datetime: message.created_at }, moment(message.created_at)) : null,
        message.note ? h("span", { class: "message-note" }, message.note) : null,
      ),
      h("p", { class: "message-text", data: { testid: "message-text" } }, message.content),
    ),
  );
}

/** True for a message that was written on this page and is not (yet) among the stored ones. */
function isUnknown(message, stored) {
  if (message.id !== undefined) return false;
  const from = Date.parse(message.created_at) - CLOCK_DIFFERENCE_MS;
  return !stored.some(
    (other) => other.role === message.role && other.content === message.content && Date.parse(other.created_at) >= from,
  );
}

export async function chatView({ api, flags, flagsRead, shell, loadAccount, signal }) {
  // The first picture must already be the right one: somebody without the feature never sees it flash up.
  await Promise.race([flagsRead, new Promise((resolve) => setTimeout(resolve, FLAGS_PATIENCE_MS))]);
  let enhanced = flags.isOn(ENHANCED_UI);
  let inPortions = flags.isOn(PERFORMANCE);
  let messages = [];
  let waiting = false;
  let conversationId = null;
  let portion = PORTION;
  let recording = null;
  let ideasNow = IDEAS;

  const heading = viewHeading("");
  const intro = h("div");
  const ideas = h("div");
  const problem = createProblemBox();
  const earlier = h("div", { class: "earlier" });
  const list = h("ol", { class: "messages", "aria-label": "Messages" });
  const region = h("section", { class: "conversation", tabindex: "0", "aria-label": "Conversation" }, earlier, list);
  const inputId = newId("message");
  const hintId = newId("hint");
  const input = h("textarea", {
    id: inputId,
    rows: "2",
    maxlength: String(LONGEST),
    "aria-describedby": hintId,
    autocomplete: "off",
  });
  const count = h("span", { class: "count" });
  const sendButton = h("button", { type: "submit", class: "button primary" }, icon(SEND), "Send");
  const voiceSlot = h("span", { class: "voice" });
  const clearButton = h(
    "button",
    { type: "button", class: "button quiet", on: { click: () => void clearHistory() } },
    icon(BIN),
    "Clear the chat",
  );

  function toNewest() {
    region.scrollTop = region.scrollHeight;
  }

  function drawMessages() {
    const items = messages.map((message) => messageItem(message, enhanced));
    if (waiting) items.push(h("li", { class: "message assistant thinking" }, h("p", {}, "PAM is thinking…")));
    list.replaceChildren(...items);
    if (items.length === 0) list.append(h("li", { class: "empty" }, "No messages yet. Say hello to PAM."));
  }

  function drawFeatures() {
    const title = enhanced ? ENHANCED_TITLE : PLAIN_TITLE;
    heading.textContent = title;
    intro.replaceChildren(
      enhanced
        ? h(
            "div",
            { class: "banner", data: { testid: "trip-ideas" } },
            icon(SPARK),
            h("p", {}, h("strong", {}, "New: trip ideas."), " Tap an idea and PAM plans it with you."),
          )
        : h("p", { class: "lead" }, "Ask about routes, campgrounds or money on the road."),
    );
    drawIdeas();
    drawMessages();
    drawVoice();
  }

  function drawIdeas() {
    const chip = (idea) => h("button", { type: "button", class: "chip", on: { click: () => void send(idea) } }, idea);
    const hadFocus = ideas.contains(document.activeElement);
    ideas.replaceChildren(
      ...(enhanced
        ? [h("ul", { class: "chips", "aria-label": "Trip ideas" }, ...ideasNow.map((idea) => h("li", {}, chip(idea))))]
        : []),
    );
    // The button that was pressed is gone; a keyboard user goes on in the message field.
    if (hadFocus) input.focus();
  }

  function drawVoice() {
    if (!flags.isOn(VOICE)) {
      recording?.cancel();
      recording = null;
      voiceSlot.replaceChildren();
    } else if (voiceSlot.childElementCount === 0) {
      const label = h("span", {}, "Speak");
      const picture = h("span", { class: "voice-icon" }, icon(MICROPHONE));
      const button = h("button", { type: "button", class: "button", data: { testid: "voice" } }, picture, label);
      const show = (outline, words) => {
        picture.replaceChildren(icon(outline));
        label.textContent = words;
        button.classList.toggle("recording", words !== "Speak");
      };
      button.addEventListener(
        "click",
        whileBusy(button, async () => {
          problem.clear();
          if (recording === null) {
            try {
              recording = await startRecording();
            } catch (error) {
              problem.show("Recording did not start.", error);
              return;
            }
            if (signal.aborted || !button.isConnected) {
              recording.cancel();
              recording = null;
              return;
            }
            show(STOP, "Stop and send");
            shell.announce("Recording. Press the button again to send.");
          } else {
            const finished = recording;
            recording = null;
            show(MICROPHONE, "Speak");
            await sendVoice(await finished.stop());
          }
        }),
      );
      voiceSlot.replaceChildren(button);
    }
  }

  /** Shows the messages, has them answered by `ask`, and shows the answer; raises what `ask` raises. */
  async function converse(ask) {
    waiting = true;
    drawMessages();
    toNewest();
    let answer;
    try {
      answer = await ask();
      expectShape(typeof answer?.response === "string" && answer.response !== "");
    } finally {
      waiting = false;
      drawMessages();
      toNewest();
    }
    return answer;
  }

  function showAnswer(answer) {
    messages.push({
      role: "assistant",
      content: answer.response,
      created_at: answer.timestamp ?? new Date().toISOString(),
    });
    drawMessages();
    toNewest();
    if (Array.isArray(answer.suggestions) && answer.suggestions.length > 0) {
      ideasNow = answer.suggestions.map(String);
      drawIdeas();
    }
    if (!signal.aborted) shell.announce(`PAM says: ${answer.response}`);
  }

  async function send(text) {
    if (waiting) return;
    problem.clear();
    const message = { role: "user", content: text, created_at: new Date().toISOString(), note: null };
    messages.push(message);
    await deliver(message);
  }

  async function deliver(message) {
    message.note = null;
    try {
      const answer = await converse(() =>
        api.post("/api/v1/pam/chat", {
          message: message.content,
          ...(conversationId === null ? {} : { conversation_id: conversationId }),
        }),
      );
      conversationId = answer.conversation_id ?? conversationId;
      showAnswer(answer);
    } catch (error) {
      message.note = "No answer";
      drawMessages();
      problem.show("PAM could not answer.", error, () => {
        if (!waiting) void deliver(message);
      });
    }
  }

  async function sendVoice(audio) {
    try {
      const answer = await converse(() => api.sendAudio("/api/v1/pam/voice", audio));
      expectShape(typeof answer.transcript === "string");
      messages.push({ role: "user", content: answer.transcript, created_at: new Date().toISOString(), note: "spoken" });
      showAnswer(answer);
    } catch (error) {
      problem.show("PAM could not hear you.", error, () => {
        if (!waiting) void sendVoice(audio);
      });
    }
  }

  async function clearHistory() {
    if (!(await confirmed("Clear the whole chat?", "All messages between you and PAM will be gone for good.", "Clear")))
      return;
    problem.clear();
    try {
      await api.remove("/api/v1/pam/history");
    } catch (error) {
      problem.show("The chat was not cleared.", error, () => void clearHistory());
      return;
    }
    conversationId = null;
    messages = [];
    earlier.replaceChildren();
    drawMessages();
    shell.announce("The chat is empty now.");
  }

  function drawLoading() {
    earlier.replaceChildren();
    list.replaceChildren(
      ...(inPortions
        ? [1, 2, 3].map(() => h("li", { class: "skeleton", data: { testid: "skeleton" } }))
        : [h("li", { class: "loading" }, "Loading your messages…")]),
    );
  }

  async function loadHistory() {
    const asked = inPortions ? portion : WHOLE_HISTORY;
    if (messages.length === 0) drawLoading();
    region.setAttribute("aria-busy", "true");
    try {
      const [, answer] = await Promise.all([
        loadAccount(signal),
        api.get(`/api/v1/pam/history?limit=${asked}`, signal),
      ]);
      expectShape(Array.isArray(answer?.messages));
      const stored = answer.messages.filter((message) => message.role !== "system");
      messages = [...stored, ...messages.filter((message) => isUnknown(message, stored))];
      conversationId = messages.at(-1)?.conversation_id ?? conversationId;
      earlier.replaceChildren(
        ...(inPortions && answer.messages.length >= asked
          ? [
              h(
                "button",
                {
                  type: "button",
                  class: "button",
                  data: { testid: "earlier" },
                  on: { click: () => void loadEarlier() },
                },
                "Show earlier messages",
              ),
            ]
          : []),
      );
      drawMessages();
    } catch (error) {
      if (messages.length === 0)
        list.replaceChildren(h("li", { class: "empty" }, "Your earlier messages are missing here for now."));
      problem.show("Your messages could not be loaded.", error, () => void loadHistory().then(toNewest));
    } finally {
      region.removeAttribute("aria-busy");
    }
  }

  async function loadEarlier() {
    const fromEnd = region.scrollHeight - region.scrollTop;
    portion += PORTION;
    await loadHistory();
    // What the person was looking at stays where it was; the focus stays in the conversation when the button is gone.
    region.scrollTop = region.scrollHeight - fromEnd;
    (earlier.querySelector("button") ?? region).focus({ preventScroll: true });
    shell.announce(`${messages.length} messages are shown.`);
  }

  flags.listen(() => {
    drawVoice();
    if (enhanced !== flags.isOn(ENHANCED_UI)) {
      enhanced = !enhanced;
      drawFeatures();
      nameThePage(heading.textContent);
      shell.announce(enhanced ? "New: trip ideas are switched on." : "Trip ideas are switched off.");
    }
    if (inPortions !== flags.isOn(PERFORMANCE)) {
      inPortions = !inPortions;
      portion = PORTION;
      void loadHistory().then(toNewest);
    }
  }, signal);
  flags.watch(signal);
  signal.addEventListener("abort", () => recording?.cancel());

  input.addEventListener("input", () => {
    const length = input.value.length;
    count.textContent = length >= COUNT_FROM ? `${length} of ${LONGEST} characters` : "";
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  const form = h(
    "form",
    {
      class: "composer",
      novalidate: true,
      "aria-label": "Write to PAM",
      on: {
        submit: (event) => {
          event.preventDefault();
          const text = input.value.trim();
          if (text === "" || waiting) return;
          input.value = "";
          count.textContent = "";
          input.focus();
          void send(text);
        },
      },
    },
    h("label", { for: inputId }, "Your message to PAM"),
    input,
    h("p", { class: "field-hint", id: hintId }, "Enter sends, Shift + Enter starts a new line. ", count),
    h("div", { class: "actions" }, sendButton, voiceSlot, clearButton),
  );
  input.value = history.state?.ask ?? "";

  drawFeatures();
  return {
    title: heading.textContent,
    ready: () => void loadHistory().then(toNewest),
    element: h("div", { class: "chat" }, heading, intro, problem.element, region, ideas, form),
  };
}
