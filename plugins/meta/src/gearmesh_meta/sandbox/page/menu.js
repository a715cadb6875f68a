/** What can be done with a message: the bar of reactions and the lines below it. */

import { body } from "./attribution.js";
import { drawing, element } from "./element.js";
import { menuItem } from "./popup.js";

/** The reactions that each messenger offers first. */
const REACTIONS = Object.freeze({
  whatsapp: ["👍", "❤️", "😂", "😮", "😢", "🙏"],
  messenger: ["❤️", "😆", "😮", "😢", "😠", "👍"],
  instagram: ["❤️", "😂", "😮", "😢", "😡", "👍"],
});
const CAPTIONED = Object.freeze(["image", "video", "gif", "file"]);

/** The menu of one phone's messages. */
export class MessageMenu {
  #network;
  #popup;
  #outbox;
  #composer;

  constructor(network, popup, outbox, composer) {
    this.#network = network;
    this.#popup = popup;
    this.#outbox = outbox;
    this.#composer = composer;
  }

  /** Opens the bar of reactions for a message of a phone, and with `whole` all else that can be done with it. */
  open(phone, message, anchor, whole) {
    const bar = reactionBar(this.#network, message, (emoji) => this.#outbox.react(phone, message, emoji));
    if (!whole) return this.#popup.open(anchor, "Reactions", [bar]);
    const items = menuItems(this.#network, message, {
      reply: () => this.#composer.answer(message),
      edit: () => this.#composer.edit(message),
      copy: (words) => this.#copy(words),
      forward: () => this.#outbox.change(phone, "forward", message),
      unsend: () => this.#outbox.change(phone, "unsend", message),
    });
    const lines = element("div", { class: "menu-items" }, ...items);
    return this.#popup.open(anchor, "What to do with the message", [bar, lines]);
  }

  async #copy(words) {
    try {
      await navigator.clipboard.writeText(words);
    } catch (error) {
      this.#composer.complain(`The browser does not let the page copy: ${error.message}`);
    }
  }
}

/** The bar of emoji; the one the person has given is marked, and choosing it again takes it off. */
function reactionBar(network, message, react) {
  const given = message.reactions?.person ?? "";
  const offered = REACTIONS[network];
  const emojis = given && !offered.includes(given) ? [...offered, given] : offered;
  return element(
    "div", { class: "reactions", role: "group", "aria-label": "Reactions" },
    ...emojis.map((emoji) => element(
      "button",
      { class: "emoji", type: "button", role: "menuitemradio", "aria-checked": String(emoji === given),
        "data-testid": "emoji", "data-emoji": emoji, onclick: () => react(emoji === given ? "" : emoji) },
      emoji,
    )),
  );
}

/** The lines of the menu that fit the message. */
function menuItems(network, message, act) {
  const own = message.direction === "out";
  const words = body(message);
  const editable = own && (message.type === "text" || (network === "whatsapp" && CAPTIONED.includes(message.type)));
  const unsend = network === "whatsapp" ? "Delete for everyone" : "Unsend";
  const passable = !message.ballot && message.type !== "unsupported";
  return [
    menuItem(drawing("reply"), "Reply", act.reply, "menu-reply"),
    passable ? menuItem(drawing("forward"), "Forward", act.forward, "menu-forward") : null,
    words === "" ? null : menuItem(drawing("copy"), "Copy", () => act.copy(words), "menu-copy"),
    editable ? menuItem(drawing("pencil"), "Edit", act.edit, "menu-edit") : null,
    own ? menuItem(drawing("bin"), unsend, act.unsend, "menu-unsend") : null,
  ].filter((item) => item !== null);
}
