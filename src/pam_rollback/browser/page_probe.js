// Asked of a page about itself: one function for each question. Gives the functions; the caller picks one and passes its argument.
() => {
  const LONGEST_WAIT_MS = 2000;
  const LONGEST_DRAWING_MS = 4000; // a chart that begins to grow after 0.4 s and takes 1.5 s, on a machine that is busy
  const UNCHANGED_MS = 150; // calendars and tables lay themselves out anew 100 ms after the window's size has changed
  const LEAST_CONTRAST = 3;
  const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]";
  const LIVE = "[aria-live=polite], [aria-live=assertive], [role=log], [role=status], [role=alert], output";

  const atMost = (promise, ms = LONGEST_WAIT_MS) => Promise.race([promise, new Promise((done) => setTimeout(done, ms))]);
  const nextPicture = () => atMost(new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))), 250);

  /** A way to an element that a person can paste into the browser's search: from the nearest id, else from the top. */
  function selectorOf(element) {
    const parts = [];
    for (let at = element; at instanceof Element; at = at.parentElement) {
      if (at.id) {
        parts.unshift(`#${CSS.escape(at.id)}`);
        break;
      }
      const tag = at.localName;
      const alike = at.parentElement ? [...at.parentElement.children].filter((other) => other.localName === tag) : [];
      parts.unshift(alike.length > 1 ? `${tag}:nth-of-type(${alike.indexOf(at) + 1})` : tag);
    }
    return parts.join(" > ");
  }

  function nameOf(element) {
    const labelled = element.getAttribute?.("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "";
    return labelled.trim().replace(/\s+/g, " ").slice(0, 60);
  }

  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  /** Brings everything to rest: animations at their end, fonts and pictures there, the last style applied. */
  async function settle() {
    for (const animation of document.getAnimations()) {
      try {
        animation.finish();
      } catch {
        animation.cancel(); // one without an end
      }
    }
    await atMost(document.fonts.ready);
    const pictures = [...document.images].filter((picture) => !picture.complete && picture.loading !== "lazy");
    await atMost(Promise.all(pictures.map((picture) => picture.decode().catch(() => undefined))));
    await nextPicture();
  }

  /** Waits until nothing in the page has changed for a moment, and no script draws; the moment begins now where `anew`. */
  async function unchanged(anew) {
    const beganMs = performance.now();
    const drawing = window.__pamDrawing;
    const changes = () => drawing.frames.size || performance.now() - Math.max(drawing.changedMs, anew ? beganMs : 0) < UNCHANGED_MS;
    while (changes() && performance.now() - beganMs < LONGEST_DRAWING_MS) await new Promise((done) => setTimeout(done, 25));
  }

  /** Elements that stick out of a window of this width, unless they lie in a part that scrolls or cuts by itself. */
  function tooWide(width) {
    const limit = width + 1;
    const [root, body] = [document.documentElement, document.body].map((element) => getComputedStyle(element).overflowX);
    // The window takes its overflow from the body when the root has none of its own.
    const cuts = ["hidden", "clip"].includes(root === "visible" ? body : root);
    const scrolls = !cuts && document.documentElement.scrollWidth > limit;
    const found = [];
    let outermost = null;
    for (const element of document.body.querySelectorAll("*")) {
      if (outermost?.contains(element)) continue;
      const box = element.getBoundingClientRect();
      if (box.right <= limit || box.width < 1 || box.height < 1 || !isShown(element)) continue;
      let contained = false;
      for (let above = element.parentElement; above && above !== document.body; above = above.parentElement)
        contained ||= getComputedStyle(above).overflowX !== "visible";
      const matters = element.matches(CONTROLS) || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      // Decoration may be cut off at the edge; text and controls may not, and nothing may make the whole page scroll.
      if (contained || !(scrolls || matters)) continue;
      outermost = element;
      found.push({ selector: selectorOf(element), why: `reaches to ${Math.round(box.right)} px in a window of ${width} px` });
    }
    if (found.length === 0 && scrolls)
      found.push({ selector: "html", why: `is ${document.documentElement.scrollWidth} px wide in a window of ${width} px` });
    return found;
  }

  /** Open dialogs that a screen reader cannot name; axe-core asks this of the role alone, not of the element. */
  function unnamedDialogs() {
    const textOf = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join("").trim();
    return [...document.querySelectorAll("dialog[open], [role=dialog], [role=alertdialog]")]
      .filter(isShown)
      .filter((dialog) => !dialog.getAttribute("aria-label")?.trim() && !textOf(dialog.getAttribute("aria-labelledby") ?? ""))
      .filter((dialog) => !dialog.title.trim())
      .map((dialog) => ({ selector: selectorOf(dialog), why: "has neither aria-label nor aria-labelledby nor title" }));
  }

  function channels(colour) {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  }

  function luminance([red, green, blue]) {
    const [r, g, b] = [red, green, blue].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(one, other) {
    const [high, low] = [luminance(channels(one)), luminance(channels(other))].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  }

  /** The colour that lies around an element: of the nearest ancestor that has one. */
  function groundOf(element) {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] === 255) return colour;
    }
    return getComputedStyle(document.documentElement).colorScheme.includes("dark") &&
      matchMedia("(prefers-color-scheme: dark)").matches
      ? "#121212"
      : "#ffffff";
  }

  const hasOutline = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;

  /** An element and what may show its focus in its place: its label, its parent, and what follows it. */
  const around = (element) =>
    [element, element.labels?.[0], element.parentElement, element.nextElementSibling].filter((part) => part instanceof Element);

  function look(element) {
    return around(element).map((part) => {
      const style = getComputedStyle(part);
      return {
        outline: hasOutline(style) ? `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor}` : "none",
        outlineStyle: style.outlineStyle,
        outlineColour: style.outlineColor,
        shadow: style.boxShadow,
        border: `${style.borderColor} ${style.borderWidth} ${style.borderStyle}`,
        background: `${style.backgroundColor} ${style.backgroundImage}`,
        decoration: `${style.textDecorationLine} ${style.color}`,
      };
    });
  }

  /**
   * Whether the focus can be seen: an outline that was not there and stands out from what is around it (3:1, or the browser's own,
   * which has two colours), or another shadow, border, background or text decoration.
   */
  function differs(element, focused, plain, next) {
    const parts = around(element);
    return focused.some((now, index) => {
      const then = plain[index];
      // What has the focus by now looks different for that reason.
      if (then === undefined || parts[index] === next) return false;
      if (now.outline !== then.outline && now.outline !== "none")
        return now.outlineStyle === "auto" || contrast(now.outlineColour, groundOf(element)) >= LEAST_CONTRAST;
      return ["shadow", "border", "background", "decoration"].some((part) => now[part] !== then[part]);
    });
  }

  let walk = null;

  /** Begins a walk with the Tab key. The page has just been loaded: only then does Tab begin where it does for a visitor. */
  function beginWalk() {
    focused()?.blur();
    walk = { seen: new Set(), last: null, look: null };
  }

  function focused() {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at === document.body || at === document.documentElement ? null : at;
  }

  /**
   * After a press of Tab: where the focus is now, and whether it could be seen on the stop that it has just left (a look can only be
   * compared when the element has lost the focus again, without touching anything).
   */
  function step() {
    const at = focused();
    for (const animation of document.getAnimations()) {
      try {
        animation.finish();
      } catch {
        animation.cancel();
      }
    }
    const left = walk.last;
    const left_was_seen = left === null || left === at || differs(left, walk.look, look(left), at);
    const answer = { left_was_seen, ended: at === null, is_first: false, again: at !== null && walk.seen.has(at), stuck: at !== null && at === left };
    if (at !== null) {
      answer.selector = selectorOf(at);
      answer.name = nameOf(at);
      answer.is_first = walk.seen.size > 0 && [...walk.seen][0] === at;
      walk.seen.add(at);
    }
    // Some controls have stops inside, each with a mark of its own: what counts is the look of the first.
    if (at !== left) walk.look = at === null ? null : look(at);
    walk.last = at;
    return answer;
  }

  let heard = [];

  /** Watches every live region that a screen reader watches now; gives their number. Later ones do not count: they come unannounced. */
  function listen() {
    heard = [];
    const regions = [...document.querySelectorAll(LIVE)].filter(
      (region) => !region.closest("[aria-hidden=true], [inert], [hidden]") && getComputedStyle(region).display !== "none",
    );
    for (const region of regions)
      new MutationObserver(() => heard.push(region.textContent)).observe(region, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    return regions.length;
  }

  return { settle, unchanged, tooWide, unnamedDialogs, beginWalk, step, listen, heard: () => heard.filter((text) => text.trim()) };
}
