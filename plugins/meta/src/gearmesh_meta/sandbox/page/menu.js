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

/** The bar of emoji; the one the person has given is marked, and choosing it again takes it off. */
export function reactionBar(network, message, react) {
  const given = message.reactions?.person ?? "";
  const offered = REACTIONS[network];
  const emojis = given && !offered.includes(given) ? [...offered, given] : offered;
  return element(
    "div", { class: "reactions", role: "group", "aria-label": "Reactions" },
    ...emojis.map((emoji) => element(
      "button",
      { class: "emoji", type: "button", role: "menuitemradio", "aria-checked": String(emoji === given), "data-testid": "emoji",
        "data-emoji": emoji, onclick: () => react(emoji === given ? "" : emoji) },
      emoji,
    )),
  );
}

/**
 * The lines of the menu that fit the message.
 * @param {{reply: Function, edit: Function, forward: Function, unsend: Function}} act each runs with the message
 */
export function menuItems(network, message, act) {
  const own = message.direction === "out";
  const words = body(message);
  const editable = own && (message.type === "text" || (network === "whatsapp" && CAPTIONED.includes(message.type)));
  const passable = !message.ballot && message.type !== "unsupported";
  return [
    menuItem(drawing("reply"), "Reply", () => act.reply(message), "menu-reply"),
    passable ? menuItem(drawing("forward"), "Forward", () => act.forward(message), "menu-forward") : null,
    words === "" ? null : menuItem(drawing("copy"), "Copy", () => act.copy(words), "menu-copy"),
    editable ? menuItem(drawing("pencil"), "Edit", () => act.edit(message), "menu-edit") : null,
    own ? menuItem(drawing("bin"), network === "whatsapp" ? "Delete for everyone" : "Unsend", () => act.unsend(message), "menu-unsend") : null,
  ].filter((item) => item !== null);
}
