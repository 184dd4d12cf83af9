// The chat with PAM. Two features change it while it is open: trip ideas and voice.

import { confirmed, form, h, heading, newId, problemBox } from "../dom.js";
import * as service from "../service.js";

const NEWEST = 60;
const said = (role, content) => ({ role, content, created_at: new Date().toISOString() });

function item({ role, content, created_at: when }) {
  const author = h("strong", {}, role === "assistant" ? "PAM" : "You");
  const moment = h("time", { datetime: when }, ` ${when.slice(0, 16).replace("T", " ")}`);
  return h("li", { class: `message ${role}` }, h("p", { class: "soft" }, author, moment), h("p", { class: "text" }, content));
}

export function chat({ loadAccount, announce }) {
  let messages = [];
  let waiting = false;
  let conversation = null;
  let recorder = null;
  let earlier = null;

  const title = heading("");
  const intro = h("p", {});
  const problem = problemBox();
  const list = h("ol", { class: "messages", "aria-label": "Messages" }, h("li", {}, "Loading your messages…"));
  const region = h("section", { class: "conversation", tabindex: "0", "aria-label": "Conversation" }, list);
  const input = h("textarea", { id: newId(), rows: "2", maxlength: "2000", autocomplete: "off" });
  const speakButton = h("button", { type: "button", "data-testid": "voice", click: () => void speak() });
  const voice = h("span", {});

  function draw() {
    list.replaceChildren(...messages.map(item), ...(waiting ? [h("li", { class: "soft" }, "PAM is thinking…")] : []));
    region.scrollTop = region.scrollHeight;
  }

  function drawFeatures() {
    const enhanced = service.isOn(service.ENHANCED_UI);
    title.textContent = enhanced ? "Plan your next trip with PAM" : "Chat with PAM";
    intro.textContent = enhanced ? "New: trip ideas." : "Ask about routes, campgrounds or money on the road.";
    intro.className = enhanced ? "banner" : "soft";
    speakButton.textContent = recorder === null ? "Speak" : "Stop and send";
    if (!service.isOn(service.VOICE)) voice.replaceChildren();
    else if (!speakButton.isConnected) voice.replaceChildren(speakButton);
  }

  async function loadHistory() {
    try {
      const [, answer] = await Promise.all([loadAccount(), service.get(`/api/v1/pam/history?limit=${NEWEST}`)]);
      service.expectShape(Array.isArray(answer?.messages));
      messages = answer.messages.filter((message) => message.role !== "system");
      conversation = messages.at(-1)?.conversation_id ?? conversation;
    } catch (error) {
      problem.show("Your messages could not be loaded.", error);
    }
    draw();
  }

  /** Shows what `ask` is answered, or that it `failed`. */
  async function converse(ask, failed) {
    problem.clear();
    waiting = true;
    draw();
    try {
      const answer = await ask();
      service.expectShape(typeof answer?.response === "string" && answer.response !== "");
      conversation = answer.conversation_id ?? conversation;
      messages.push(said("assistant", answer.response));
      announce(`PAM says: ${answer.response}`);
    } catch (error) {
      problem.show(failed, error);
    }
    waiting = false;
    draw();
  }

  async function send() {
    const message = input.value.trim();
    if (message === "" || waiting) return;
    input.value = "";
    input.focus();
    await earlier; // what comes later from there would push this message away
    messages.push(said("user", message));
    const more = conversation === null ? {} : { conversation_id: conversation };
    await converse(() => service.post("/api/v1/pam/chat", { message, ...more }), "PAM could not answer.");
  }

  async function hear(audio) {
    const answer = await service.sendAudio("/api/v1/pam/voice", audio);
    service.expectShape(typeof answer?.transcript === "string");
    messages.push(said("user", answer.transcript));
    return answer;
  }

  async function speak() {
    if (waiting) return;
    problem.clear();
    if (recorder === null) {
      try {
        recorder = new MediaRecorder(await navigator.mediaDevices.getUserMedia({ audio: true }));
        recorder.start();
        announce("Recording. Press the button again to send.");
      } catch {
        problem.show("Recording did not start: it needs a microphone, and your permission.");
      }
      drawFeatures();
      return;
    }
    const audio = await stopped();
    drawFeatures();
    await earlier;
    await converse(() => hear(audio), "PAM could not hear you.");
  }

  /** Lets go of the microphone, and gives what was recorded. */
  function stopped() {
    const ended = recorder;
    recorder = null;
    return new Promise((resolve) => {
      ended.addEventListener("dataavailable", (event) => resolve(event.data));
      ended.stop();
      ended.stream.getTracks().forEach((track) => track.stop());
    });
  }

  async function clear() {
    if (!(await confirmed("Clear the whole chat?", "All messages will be gone for good.", "Clear"))) return;
    try {
      await service.remove("/api/v1/pam/history");
    } catch (error) {
      problem.show("The chat was not cleared.", error);
      return;
    }
    conversation = null;
    messages = [];
    draw();
    announce("The chat is empty now.");
  }

  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  const composer = form(
    { class: "composer", "aria-label": "Write to PAM" },
    send,
    h("label", { for: input.id }, "Your message to PAM"),
    input,
    h(
      "p",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, "Send"),
      voice,
      h("button", { type: "button", click: () => void clear() }, "Clear the chat"),
    ),
  );
  input.value = history.state?.ask ?? "";
  drawFeatures();
  const forget = service.onFlags(drawFeatures);
  return {
    element: h("div", { class: "stack" }, title, intro, problem.element, region, composer),
    ready: () => (earlier = loadHistory()),
    leave: () => {
      forget();
      if (recorder !== null) void stopped();
    },
  };
}
