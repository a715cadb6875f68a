/** The bubbles of one phone: where they stand, how they scroll, how the keyboard moves among them. */

import { author } from "./attribution.js";
import { Bubble } from "./bubble.js";
import { drawing, element, prefersStillness } from "./element.js";
import { dayName } from "./times.js";

const NEAR_END = 60; // px: whoever has not scrolled further up than this follows what arrives

export class History {
  #bubbles = new Map();
  #conversation = null;
  #following = true;
  #height = 0; // px of all bubbles, as last seen
  #current = null; // the bubble Tab reaches
  #missed = 0;
  #list = element("ol", { class: "bubbles" });
  #hint = element("p", { class: "hint", "data-testid": "hint" });
  #typing = element(
    "p", { class: "typing", hidden: true, "data-testid": "typing" },
    element("i"), element("i"), element("i"), element("span", { class: "unseen" }, "is typing"),
  );
  #newer = element(
    "button", { class: "newer", type: "button", hidden: true, onclick: () => this.#toEnd() },
    drawing("down"), element("span"),
  );
  #scroller = element("div", { class: "scroller" }, this.#hint, this.#list, this.#typing);
  #network;
  #act;

  /**
   * @param {string} network
   * @param {{reply: Function, menu: Function, tap: Function, play: Function}} act as the bubbles ask for it, each with
   *   the message
   */
  constructor(network, act) {
    this.#network = network;
    this.#act = act;
    this.node = element("div", { class: "history" }, this.#scroller, this.#newer);
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#list.addEventListener("keydown", (event) => this.#move(event));
    this.#list.addEventListener("focusin", (event) => this.#makeCurrent(this.#bubbleAround(event.target)));
    const sizes = new ResizeObserver(() => this.#follow());
    sizes.observe(this.#scroller); // composer grew, tab shown, window resized
    sizes.observe(this.#list); // a picture has its size, a film its first frame
  }

  /** Shows another phone's messages, from their end. */
  open(conversation, label) {
    this.#conversation = conversation;
    this.#list.setAttribute("aria-label", label);
    this.#bubbles.clear();
    this.#list.replaceChildren();
    this.#current = null;
    this.#following = true;
    this.typing(false);
    this.render();
  }

  /** Brings the bubbles in line with the conversation; cheap when little changed. */
  render() {
    const messages = this.#conversation.messages;
    const newcomers = this.#place(messages);
    this.#hint.hidden = messages.length > 0;
    if (newcomers.some((message) => message.direction === "out")) this.#following = true;
    if (!this.#following) this.#missed += newcomers.length;
    if (this.#current === null || !this.#bubbles.has(this.#current.id) || this.#following) {
      const last = this.#bubbles.get(messages.at(-1)?.id) ?? null;
      if (!this.#list.contains(document.activeElement)) this.#makeCurrent(last);
    }
    this.#follow();
  }

  /** The words where nothing stands yet. */
  hint(...content) {
    this.#hint.replaceChildren(...content);
  }

  /** Shows or hides the three dots of the other side. */
  typing(on) {
    this.#typing.hidden = !on;
    this.#follow();
  }

  /** Puts the bubbles in order; returns the messages that were not shown before. */
  #place(messages) {
    const newcomers = [];
    const gone = new Set(this.#bubbles.keys());
    let previous = null;
    let before = null;
    for (const message of messages) {
      gone.delete(message.id);
      let bubble = this.#bubbles.get(message.id);
      if (bubble) {
        bubble.update(message);
      } else {
        bubble = new Bubble(message, {
          ...this.#act, network: this.#network,
          find: (id) => this.#conversation.find(id), jump: (id) => this.#jump(id),
        });
        this.#bubbles.set(message.id, bubble);
        newcomers.push(message);
      }
      const day = dayName(message.time);
      const sameDay = previous !== null && dayName(previous.time) === day;
      const sameWriter = sameDay && previous.direction === message.direction && author(previous) === author(message);
      bubble.place({ day: sameDay ? null : day, continued: sameWriter });
      const expected = before === null ? this.#list.firstElementChild : before.row.nextElementSibling;
      if (expected !== bubble.row) this.#list.insertBefore(bubble.row, expected);
      previous = message;
      before = bubble;
    }
    for (const id of gone) {
      this.#bubbles.get(id).row.remove();
      this.#bubbles.delete(id);
    }
    return newcomers;
  }

  #jump(id) {
    const bubble = this.#bubbles.get(id);
    if (!bubble) return;
    const room = this.#scroller.clientHeight - bubble.node.offsetHeight;
    const offset = bubble.node.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
    this.#scroller.scrollBy({ top: offset - Math.max(room / 2, 8), behavior: prefersStillness() ? "auto" : "smooth" });
    bubble.focus();
    bubble.flash();
  }

  #move(event) {
    const bubble = this.#bubbleAround(event.target);
    if (!bubble || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("audio, video, input")) return; // their arrows go to and fro in the recording
    const rows = [...this.#list.children];
    const here = rows.indexOf(bubble.row);
    const target = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (target === undefined || rows[target] === undefined) return;
    event.preventDefault();
    const next = this.#bubbleAround(rows[target]);
    next.focus();
    next.node.scrollIntoView({ block: "nearest" });
  }

  #bubbleAround(node) {
    const id = node.closest(".row")?.querySelector(".bubble").dataset.id;
    return id === undefined ? null : (this.#bubbles.get(id) ?? null);
  }

  #makeCurrent(bubble) {
    if (bubble === this.#current) return;
    if (this.#current) this.#current.tabbable = false;
    this.#current = bubble;
    if (bubble) bubble.tabbable = true;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (clientHeight === 0) return; // the phone is behind another tab
    const grown = scrollHeight !== this.#height;
    this.#height = scrollHeight;
    if (grown && this.#following) return this.#follow(); // not somebody's hand: the browser made room for a picture
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#following) this.#missed = 0;
    return this.#showNewer();
  }

  #toEnd() {
    this.#following = true;
    this.#follow();
    const last = [...this.#bubbles.values()].at(-1); // the button goes away, so the focus goes where it led
    last?.focus();
  }

  #follow() {
    if (this.#following) {
      this.#missed = 0;
      this.#height = this.#scroller.scrollHeight;
      this.#scroller.scrollTop = this.#height;
    }
    this.#showNewer();
  }

  #showNewer() {
    this.#newer.hidden = this.#following;
    this.#newer.lastElementChild.textContent = this.#missed > 0 ? `${this.#missed} new` : "to the end";
  }
}
