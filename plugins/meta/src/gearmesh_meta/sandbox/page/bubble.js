/** One message as it stands on a phone. */

import { attributed, author, excerpt } from "./attribution.js";
import { drawing, element, prefersStillness, unseen } from "./element.js";
import { mediaNode } from "./media.js";
import { markOf } from "./networks.js";
import { clockTime } from "./times.js";

const STATUS = Object.freeze({
  sent: { symbol: "tick-one", words: "sent" },
  delivered: { symbol: "tick-two", words: "delivered" },
  read: { symbol: "tick-two", words: "read" },
  failed: { symbol: "tick-failed", words: "not delivered" },
});

/** How the broker begins what it says itself: "⚙ Nobody is known as @nobody here." */
const NOTICE = "⚙ ";

export class Bubble {
  #message = null;
  #shown = ""; // what the content was drawn from: a change of status alone keeps a playing video and the focus
  #surroundings;
  #day = null;
  #card = element("div", { class: "card" });
  #ticks = element("span", { class: "ticks" });
  #reply;

  /**
   * @param {object} message
   * @param {{find: (id: string) => object|null, reply: (message: object) => void, jump: (id: string) => void}}
   *   surroundings the conversation the bubble stands in
   */
  constructor(message, surroundings) {
    this.#surroundings = surroundings;
    this.#reply = element(
      "button",
      { class: "reply", type: "button", "data-testid": "reply", onclick: () => surroundings.reply(this.#message) },
      drawing("reply"),
    );
    this.node = element("article", { class: "bubble", "data-testid": "bubble" }, this.#card, this.#reply);
    this.row = element("li", { class: "row" }, this.node);
    this.tabbable = false;
    this.update(message);
  }

  get id() {
    return this.#message.id;
  }

  /** Whether Tab reaches what is inside; one bubble of a phone is tabbable, arrow keys go to the others. */
  set tabbable(yes) {
    for (const control of this.node.querySelectorAll("button, a")) control.tabIndex = yes ? 0 : -1;
  }

  update(message) {
    this.#message = message;
    this.node.dataset.id = message.id;
    this.node.dataset.direction = message.direction;
    this.node.dataset.status = message.status;
    this.node.classList.toggle("notice", message.direction === "in" && message.text?.startsWith(NOTICE) === true);
    this.row.dataset.direction = message.direction;
    this.#showStatus();
    const shown = JSON.stringify([message.text, message.media, message.reply_to, message.sender_name, message.type]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const label = `Reply to ${author(message)}: ${excerpt(message)}`;
    this.#reply.setAttribute("aria-label", label);
    this.#reply.title = "Reply";
    this.#card.replaceChildren(this.#content(), this.#meta());
    this.tabbable = this.#reply.tabIndex === 0;
  }

  /** @param {{day: string|null, continued: boolean}} place a day's name above it; the same writer as the one above */
  place({ day, continued }) {
    this.row.classList.toggle("continued", continued);
    const shown = this.#day?.textContent ?? null;
    if (day === shown) return;
    this.#day?.remove();
    this.#day = day === null ? null : element("p", { class: "day" }, day);
    if (this.#day) this.row.prepend(this.#day);
  }

  focus() {
    this.#reply.focus({ preventScroll: true });
  }

  /** Draws the eye to the bubble for a moment. */
  flash() {
    this.node.classList.add("flash");
    setTimeout(() => this.node.classList.remove("flash"), prefersStillness() ? 2500 : 1400);
  }

  #content() {
    const message = this.#message;
    const { sender, persona, body } = attributed(message);
    const content = element("div", { class: "content" });
    content.append(unseen(message.direction === "out" ? "You typed: " : "Arrived: "));
    if (persona !== null) content.append(element("p", { class: "persona" }, persona));
    if (sender) content.append(attributionNode(sender));
    if (message.reply_to) content.append(this.#quote(message.reply_to));
    if (message.media) content.append(mediaNode(message.media));
    if (body !== "") content.append(element("span", { class: "text", "data-testid": "text" }, ...mentioned(body)));
    else if (!message.media && !sender) content.append(element("span", { class: "text bare" }, wordless(message)));
    return content;
  }

  #quote(id) {
    const quoted = this.#surroundings.find(id);
    if (quoted === null) {
      return element("p", { class: "quote", "data-testid": "quote" }, "answers a message that is not on this page");
    }
    return element(
      "button",
      { class: "quote", type: "button", "data-testid": "quote", onclick: () => this.#surroundings.jump(id) },
      unseen("In answer to "), element("b", {}, author(quoted)), unseen(": "), element("span", {}, excerpt(quoted)),
    );
  }

  #meta() {
    const { time } = this.#message;
    const stamp = element("time", { datetime: new Date(time).toISOString() }, clockTime(time));
    return element("div", { class: "meta" }, stamp, this.#ticks);
  }

  #showStatus() {
    const { direction, status } = this.#message;
    const known = STATUS[status];
    if (direction !== "out" || !known) return this.#ticks.replaceChildren();
    const words = status === "failed" ? element("span", {}, known.words) : unseen(known.words);
    this.#ticks.title = known.words;
    return this.#ticks.replaceChildren(drawing(known.symbol, "tick"), words);
  }
}

function attributionNode({ name, rest, network }) {
  return element(
    "p", { class: "attribution", "data-testid": "attribution", "data-from": network?.toLowerCase() },
    network === null ? null : drawing(markOf(network), "mark"), element("b", {}, name), rest,
  );
}

/** What stands for a message without text or media. */
function wordless({ type }) {
  return type === "reaction" ? "took a reaction back" : `[${type}]`;
}

/** Text with a leading "@handle" set apart, as that is what decides where it goes. */
function mentioned(text) {
  const handle = /^@[^\s@]+(?=\s)/u.exec(text)?.[0];
  return handle ? [element("b", { class: "mention" }, handle), text.slice(handle.length)] : [text];
}
