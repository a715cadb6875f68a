/** One message as it stands on a phone. */

import { attributed, author, body, excerpt, mediaWord } from "./attribution.js";
import {
  advertisementNode, ballotNode, buttonsNode, contactNode, goodsNode, placeNode, storyNode,
} from "./cards.js";
import { degradedNode } from "./degraded.js";
import { drawing, element, prefersStillness, unseen } from "./element.js";
import { textNodes } from "./markup.js";
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
/** One to three emoji and nothing else are shown large. */
const JUMBO = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*){1,3}$/u;
/** What may change without the content being drawn anew: a playing recording and the focus stay. */
const APART = new Set(["status", "reactions", "played"]);

export class Bubble {
  #message = null;
  #shown = "";
  #reacted = "";
  #surroundings;
  #day = null;
  #card = element("div", { class: "card" });
  #ticks = element("span", { class: "ticks" });
  #chips = element("div", { class: "chips" });
  #actions;
  #reply;

  /**
   * @param {object} message
   * @param {{network: string, find: (id: string) => object|null, jump: (id: string) => void,
   *   reply: (message: object) => void, menu: (message: object, anchor: HTMLElement, whole: boolean) => void,
   *   tap: (message: object, title: string) => void, play: (message: object) => void}} surroundings
   *   the conversation the bubble stands in
   */
  constructor(message, surroundings) {
    this.#surroundings = surroundings;
    const menu = (anchor, whole) => surroundings.menu(this.#message, anchor, whole);
    const more = actionNode("more", "What to do with the message", () => menu(more, true));
    // A finger has no room for a third button: there this one leads to all.
    const react = actionNode("smiley", "React", () => menu(react, matchMedia("(hover: none)").matches), "react");
    this.#reply = actionNode("reply", "Reply", () => surroundings.reply(this.#message));
    // The reply stands last, as Shift+Tab comes from the composer.
    this.#actions = element("div", { class: "actions" }, more, react, this.#reply);
    this.node = element("article", { class: "bubble", "data-testid": "bubble" }, this.#card, this.#actions);
    this.node.addEventListener("contextmenu", (event) => {
      // A mouse has the buttons beside the bubble.
      if (event.pointerType !== "touch" || this.#message.deleted) return;
      event.preventDefault();
      surroundings.menu(this.#message, this.#reply, true);
    });
    this.row = element("li", { class: "row" }, this.node);
    this.tabbable = false;
    this.update(message);
  }

  get id() {
    return this.#message.id;
  }

  /** Whether Tab reaches what is inside; one bubble of a phone is tabbable, arrow keys go to the others. */
  set tabbable(yes) {
    for (const control of this.node.querySelectorAll("button, a, input, audio, video")) control.tabIndex = yes ? 0 : -1;
  }

  update(message) {
    this.#message = message;
    this.node.dataset.id = message.id;
    this.node.dataset.direction = message.direction;
    this.node.dataset.status = message.status;
    this.node.dataset.kind = message.deleted ? "deleted" : kindOf(message);
    this.node.classList.toggle("played", message.played === true);
    this.node.classList.toggle("notice", message.direction === "in" && message.text?.startsWith(NOTICE) === true);
    this.row.dataset.direction = message.direction;
    this.#showStatus();
    this.#showReactions();
    const shown = JSON.stringify(Object.entries(message).filter(([name]) => !APART.has(name)));
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#reply.setAttribute("aria-label", `Reply to ${author(message)}: ${excerpt(message)}`);
    this.#actions.classList.toggle("gone", message.deleted === true);
    this.#card.replaceChildren(this.#content(), this.#meta(), this.#chips);
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
    const content = element("div", { class: "content" });
    content.append(unseen(message.direction === "out" ? "You typed: " : "Arrived: "));
    const add = (...nodes) => content.append(...nodes.filter((node) => node !== null));
    if (message.deleted) {
      const words = message.direction === "out" ? "You deleted this message" : "This message was deleted";
      add(element("span", { class: "text bare", "data-testid": "text" }, drawing("bin"), words));
      return content;
    }
    const { sender, persona } = attributed(message);
    if (message.forwarded) add(forwardedNode());
    if (persona !== null) add(element("p", { class: "persona" }, persona));
    if (sender) add(attributionNode(sender));
    add(degradedNode(message.was));
    if (message.reply_to) add(this.#quote(message.reply_to));
    add(...this.#things());
    const words = body(message);
    if (words !== "") {
      const large = JUMBO.test(words.trim()) ? "text jumbo" : "text";
      const nodes = textNodes(words, this.#surroundings.network, message.direction === "out");
      add(element("span", { class: large, "data-testid": "text" }, ...nodes));
    } else if (content.childElementCount === 1) add(element("span", { class: "text bare" }, wordless(message)));
    if (message.buttons) {
      add(buttonsNode(message.buttons, message.tapped, (title) => this.#surroundings.tap(this.#message, title)));
    }
    return content;
  }

  /** What the message holds besides words. */
  #things() {
    const { type, media, view_once, place, advertisement, ballot, story, post } = this.#message;
    const { contacts = [], goods = [] } = this.#message;
    return [
      media && view_once ? onceNode(media) : null,
      media && !view_once ? mediaNode(media, () => this.#surroundings.play(this.#message)) : null,
      place ? placeNode(place) : null,
      ...contacts.map(contactNode),
      ...goods.map((one) => goodsNode(one, type)),
      advertisement ? advertisementNode(advertisement) : null,
      ballot ? ballotNode(ballot) : null,
      story ? storyNode(story) : null,
      post ? storyNode(post) : null,
    ];
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
    const { time, versions, deleted } = this.#message;
    const stamp = element("time", { datetime: new Date(time).toISOString() }, clockTime(time));
    return element("div", { class: "meta" }, versions && !deleted ? editedNode(versions) : null, stamp, this.#ticks);
  }

  #showStatus() {
    const { direction, status } = this.#message;
    const known = STATUS[status];
    if (direction !== "out" || !known) return this.#ticks.replaceChildren();
    const words = status === "failed" ? element("span", {}, known.words) : unseen(known.words);
    this.#ticks.title = known.words;
    return this.#ticks.replaceChildren(drawing(known.symbol, "tick"), words);
  }

  #showReactions() {
    const { person, business } = this.#message.reactions ?? {};
    const reacted = JSON.stringify([person, business]);
    if (reacted === this.#reacted) return;
    this.#reacted = reacted;
    const chips = [];
    if (person) chips.push(chipNode(person, "person", "You reacted with "));
    if (business) chips.push(chipNode(business, "business", "They reacted with "));
    this.#chips.replaceChildren(...chips);
    this.node.classList.toggle("reacted", chips.length > 0);
  }
}

function actionNode(symbol, label, onclick, testid = symbol) {
  return element(
    "button",
    { class: "act", type: "button", "aria-label": label, title: label, "data-testid": testid, onclick },
    drawing(symbol),
  );
}

function chipNode(emoji, who, words) {
  return element("span", { class: "chip", "data-testid": "reaction", "data-who": who }, unseen(words), emoji);
}

function editedNode(versions) {
  const title = `Before: ${versions.map(({ text }) => text).join(" → ")}`;
  return element("span", { class: "edited", "data-testid": "edited", title }, "edited");
}

function forwardedNode() {
  return element("p", { class: "forwarded", "data-testid": "forwarded" }, drawing("forward"), "Forwarded");
}

/** What the style sheet draws in its own way. */
function kindOf({ type, media, view_once, text }) {
  if (media?.type === "sticker" && !view_once) return text ? "media" : "sticker";
  return media ? "media" : type;
}

/** A picture that is seen once: whoever sent it does not see it again either. */
function onceNode(media) {
  const words = element("span", {}, `${mediaWord(media)}, seen once`);
  return element("span", { class: "media file once", "data-testid": "once" }, drawing("once"), words);
}

function attributionNode({ name, rest, network }) {
  return element(
    "p", { class: "attribution", "data-testid": "attribution", "data-from": network?.toLowerCase() },
    network === null ? null : drawing(markOf(network), "mark"), element("b", {}, name), rest,
  );
}

/** What stands for a message without text or media. */
function wordless(message) {
  if (message.type === "unsupported") return `${excerpt(message)}: ${(message.text || "unknown").replaceAll("_", " ")}`;
  return `[${message.type}]`;
}
