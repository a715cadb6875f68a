/** One network's phone: whose it is, whom they can write to, what was said, and a place to type. */

import { listMessages, readMessages } from "./api.js";
import { author, excerpt } from "./attribution.js";
import { Composer } from "./composer.js";
import { Conversation, KEPT } from "./conversation.js";
import { drawing, element, unseen } from "./element.js";
import { takeFiles } from "./files.js";
import { History } from "./history.js";
import { MessageMenu } from "./menu.js";
import { atHandle, bareHandle, keyOf, markOf, titleOf } from "./networks.js";
import { Outbox } from "./outbox.js";
import { Popup } from "./popup.js";

const TYPING_SHOWN = 25_000; // ms; the networks let the dots go after about this long when no message follows

export class PhoneView {
  #network;
  #listener;
  #phones = []; // of all networks
  #owners = []; // this network's
  #phone = null; // the one shown
  #conversations = new Map();
  #drafts = new Map();
  #outbox = new Outbox({
    sent: (phone, message) => this.arrived(phone, message),
    failed: (phone, body, quoted, error) => this.#giveBack(phone, body, quoted, error),
  });
  #reading = false;
  #rendering = false;
  #typingTimer = null;
  #who = element("div", { class: "who" });
  #avatar = element("span", { class: "avatar", "aria-hidden": "true" });
  #badge = element("span", { class: "badge", "data-testid": "unread", hidden: true });
  #contacts = element("ul", { class: "contacts" });
  #history;
  #composer;

  /**
   * @param {{id: string, title: string, prompt: string}} network
   * @param {{announce: (sentence: string) => void, unread: (count: number) => void, lookedAt: () => boolean}} listener
   *   `lookedAt` says whether the person looks at this phone for a reason of the page's own (its tab has the focus)
   */
  constructor(network, listener) {
    this.#network = network;
    this.#listener = listener;
    const screen = element("div", { class: "screen" });
    const popup = new Popup(screen);
    this.#composer = new Composer(network, popup, {
      say: (text, quoted) => this.#outbox.send(this.#phone, { text }, quoted),
      edit: (message, text) => this.#outbox.change(this.#phone, "edit", message, { text }),
      attach: (body, quoted) => this.#outbox.send(this.#phone, body, quoted),
    });
    const menu = new MessageMenu(network.id, popup, this.#outbox, this.#composer);
    this.#history = new History(network.id, {
      reply: (message) => this.#composer.answer(message),
      menu: (message, anchor, whole) => menu.open(this.#phone, message, anchor, whole),
      tap: (message, title) => this.#outbox.change(this.#phone, "tap", message, { title }),
      play: (message) => this.#played(message),
    });
    const mark = drawing(markOf(network.id), "mark");
    const bar = element("header", { class: "bar" }, this.#avatar, this.#who, this.#badge, mark);
    this.node = element(
      "section",
      { class: "phone vacant", id: `phone-${network.id}`, "data-network": network.id, "data-testid": "phone" },
      screen,
    );
    screen.prepend(
      bar, this.#contacts, this.#history.node, this.#composer.node,
      element("div", { class: "drop", "aria-hidden": "true" }, drawing("picture"), "Drop to send"),
    );
    takeFiles(screen, (files) => {
      if (this.#phone !== null) this.#composer.files(files);
    });
    this.#contacts.setAttribute("aria-label", "People to write to");
    this.node.addEventListener("pointerenter", () => this.readIfLookedAt());
    this.node.addEventListener("focusin", () => this.readIfLookedAt());
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#composer.cancelQuote()) event.preventDefault();
    });
    this.#showNobody();
  }

  /** Takes the people of all networks; keeps showing the same phone if it is still there. */
  people(phones) {
    if (JSON.stringify(phones) === JSON.stringify(this.#phones)) return; // keeps the focus where it is
    this.#phones = phones;
    this.#owners = phones.filter((phone) => phone.network === this.#network.id);
    const shown = this.#phone && this.#owners.find((phone) => keyOf(phone) === keyOf(this.#phone));
    if (shown) this.#phone = shown;
    else this.#open(this.#owners[0] ?? null);
    this.#showPeople();
  }

  /** Shows another phone of this network. */
  async pick(phone) {
    this.#open(phone);
    this.#showPeople();
    await this.reload();
  }

  /** Loads the shown phone's messages anew. */
  async reload() {
    const phone = this.#phone;
    if (phone === null) return;
    await this.#conversation(phone).reload(() => listMessages(phone, KEPT));
    this.#renderSoon();
  }

  /** Takes in a message of one of this network's phones. */
  arrived(phone, message) {
    const isNew = this.#conversation(phone).put(message);
    const owner = this.#owners.find((one) => keyOf(one) === keyOf(phone));
    if (isNew && message.direction === "in") {
      this.typing(phone, false);
      const name = owner?.name ?? phone.user;
      this.#listener.announce(`${this.#network.title}, ${name}: ${author(message)} says ${excerpt(message)}`);
    }
    this.#renderSoon();
  }

  /** Shows that somebody types to a phone. */
  typing(phone, on, until = Date.now() + TYPING_SHOWN) {
    if (this.#phone === null || keyOf(phone) !== keyOf(this.#phone)) return;
    clearTimeout(this.#typingTimer);
    // The sandbox's clock may have been moved: dots never stand longer than a network lets them.
    const left = Math.min(until - Date.now(), TYPING_SHOWN);
    if (on) this.#typingTimer = setTimeout(() => this.#history.typing(false), left);
    this.#history.typing(on);
  }

  focus() {
    this.#composer.focus();
  }

  /** Tells the network that everything was read, when there is something and somebody looks. */
  async readIfLookedAt() {
    const phone = this.#phone;
    if (this.#reading || phone === null || !this.#isLookedAt()) return;
    const conversation = this.#conversation(phone);
    if (conversation.unread === 0) return;
    this.#reading = true;
    try {
      await readMessages(phone);
    } catch (error) {
      console.warn(`${keyOf(phone)} stays unread until it is looked at again.`, error);
      return;
    } finally {
      this.#reading = false;
    }
    conversation.markRead();
    this.#renderSoon();
  }

  #isLookedAt() {
    if (document.visibilityState !== "visible") return false;
    const touch = window.matchMedia("(hover: none)").matches && this.node.offsetParent !== null;
    return touch || this.node.matches(":hover") || this.node.contains(document.activeElement) || this.#listener.lookedAt();
  }

  #conversation(phone) {
    const key = keyOf(phone);
    if (!this.#conversations.has(key)) this.#conversations.set(key, new Conversation());
    return this.#conversations.get(key);
  }

  #giveBack(phone, { text = "" }, quoted, error) {
    if (keyOf(phone) === keyOf(this.#phone)) this.#composer.giveBack(text, quoted, error.message);
    else if (text !== "") this.#drafts.set(keyOf(phone), { text, quoted });
  }

  /** Tells the network that a voice note was listened to; only WhatsApp passes that on. */
  #played(message) {
    if (message.direction === "in" && !message.played) this.#outbox.change(this.#phone, "play", message);
  }

  #open(phone) {
    if (this.#phone) this.#drafts.set(keyOf(this.#phone), this.#composer.draft);
    this.#phone = phone;
    this.node.classList.toggle("vacant", phone === null);
    if (phone === null) return this.#showNobody();
    this.#composer.draft = this.#drafts.get(keyOf(phone)) ?? { text: "", quoted: null };
    return this.#history.open(this.#conversation(phone), `Messages of ${phone.name}`);
  }

  #renderSoon() {
    if (this.#rendering) return;
    this.#rendering = true;
    const render = () => {
      this.#rendering = false;
      if (this.#phone) this.#history.render();
      this.#showUnread();
      this.readIfLookedAt();
    };
    if (document.hidden) setTimeout(render, 100);
    else requestAnimationFrame(render);
  }

  #showUnread() {
    const unread = this.#phone ? this.#conversation(this.#phone).unread : 0;
    this.#badge.hidden = unread === 0;
    this.#badge.replaceChildren(String(unread), unseen(" unread"));
    const total = this.#owners.reduce((sum, phone) => sum + this.#conversation(phone).unread, 0);
    for (const option of this.#who.querySelectorAll("option")) option.textContent = this.#optionWords(option.value);
    this.#listener.unread(total);
  }

  #showNobody() {
    this.node.setAttribute("aria-label", `${this.#network.title} phone`);
    this.#avatar.textContent = "";
    this.#history.open(new Conversation(), "Messages");
    this.#history.hint(`Nobody has a phone on ${this.#network.title} yet. `, "Add one with the button above.");
  }

  #showPeople() {
    this.#showOwner();
    this.#showContacts(this.#phones.filter((phone) => this.#phone === null || keyOf(phone) !== keyOf(this.#phone)));
  }

  #showOwner() {
    const phone = this.#phone;
    const title = this.#network.title;
    const name = element("h2", { class: this.#owners.length > 1 ? "unseen" : null }, phone?.name ?? title);
    const place = element("p", {}, phone ? `${atHandle(phone.handle)} on ${title}` : "no phone yet");
    this.#who.replaceChildren(name, ...(this.#owners.length > 1 ? [this.#picker()] : []), place);
    if (phone === null) return;
    this.node.setAttribute("aria-label", `${title} phone of ${phone.name}`);
    this.#avatar.textContent = initials(phone.name);
    this.#composer.writer = `${phone.name} on ${title}`;
  }

  #picker() {
    const picker = element("select", {
      class: "picker", "data-testid": "picker", "aria-label": `Whose ${this.#network.title} phone`,
      onchange: () => this.#picked(picker.value),
    });
    for (const phone of this.#owners) {
      picker.append(element("option", { value: keyOf(phone) }, this.#optionWords(keyOf(phone))));
    }
    picker.value = keyOf(this.#phone);
    return picker;
  }

  #picked(key) {
    const phone = this.#owners.find((one) => keyOf(one) === key);
    this.pick(phone).catch((error) => this.#composer.giveBack("", null, error.message));
    this.node.querySelector(".picker")?.focus();
  }

  #optionWords(key) {
    const phone = this.#owners.find((one) => keyOf(one) === key);
    const { unread } = this.#conversation(phone);
    const waiting = unread > 0 && key !== keyOf(this.#phone) ? ` (${unread} new)` : "";
    return `${phone.name}${waiting}`;
  }

  #showContacts(others) {
    this.#contacts.replaceChildren(...others.map((phone) => this.#contact(phone)));
    if (this.#phone === null) return;
    const first = others.at(-1);
    if (!first) return this.#history.hint("Add a second phone to have somebody to write to.");
    return this.#history.hint("Type ", element("b", {}, `${atHandle(first.handle)} hello`), " to start");
  }

  #contact(phone) {
    const label = `Write to ${phone.name}, ${atHandle(phone.handle)} on ${titleOf(phone.network)}`;
    const button = element(
      "button",
      { class: "contact", type: "button", title: label, "aria-label": label, "data-testid": "contact",
        "data-handle": bareHandle(phone.handle), onclick: () => this.#composer.addressTo(phone.handle) },
      drawing(markOf(phone.network), "mark"), atHandle(phone.handle),
    );
    return element("li", {}, button);
  }
}

function initials(name) {
  const words = name.trim().split(/\s+/u);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0] ?? "").join("").toUpperCase();
}
