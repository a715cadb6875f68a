/** The cards in bubbles: places, people, listings, orders, advertisements, polls, stories and posts. */

import { drawing, element, safeAddress } from "./element.js";

/** A pin on a drawn map, never a picture of one from somewhere: nobody learns which places are looked at. */
export function placeNode({ latitude, longitude, name, address, url }) {
  const where = `${degrees(latitude, "N", "S")}, ${degrees(longitude, "E", "W")}`;
  const map = url && safeAddress(url)
    ? url
    : `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return element(
    "div", { class: "thing place", "data-testid": "place" },
    element("div", { class: "map" }, drawing("map", "streets"), drawing("pin", "needle")),
    element("b", {}, name || "Location"),
    address ? element("span", {}, address) : null,
    element("small", {}, where),
    link(map, "Open the map"),
  );
}

function degrees(value, positive, negative) {
  return `${Math.abs(value).toFixed(5)}° ${value < 0 ? negative : positive}`;
}

/** One contact: how to reach them, and the card to keep. */
export function contactNode({ name, phones = [], emails = [], organisation, vcard }) {
  const words = name.trim().split(/\s+/u);
  const face = (words.length > 1 ? [words[0], words.at(-1)] : words).map((word) => [...word][0] ?? "").join("");
  const href = `data:text/vcard;charset=utf-8,${encodeURIComponent(vcard ?? "")}`;
  const lines = [organisation, ...phones, ...emails].filter(Boolean);
  return element(
    "div", { class: "thing contact-card", "data-testid": "contact-card" },
    element("span", { class: "face", "aria-hidden": "true" }, face.toUpperCase()),
    element(
      "div", {},
      element("b", {}, name), ...lines.map((line) => element("span", {}, line)),
      vcard ? element("a", { class: "more", download: `${name}.vcf`, href }, "Keep the card") : null,
    ),
  );
}

/** Something for sale, or ordered. */
export function goodsNode({ title, text, price, picture, url, quantity }, kind) {
  const count = quantity ? `${quantity} × ` : "";
  return element(
    "div", { class: "thing listing", "data-testid": "listing" },
    picture && safeAddress(picture) ? image(picture, title) : null,
    kind === "order" ? kindNode("basket", "Order") : kindNode("tag", "Listing"),
    element("b", {}, `${count}${title}`),
    price ? element("span", { class: "price" }, price) : null,
    text ? element("span", {}, text) : null,
    url ? link(url, "Look at it") : null,
  );
}

/** The advertisement that brought the person here. */
export function advertisementNode({ title, text, url, picture }) {
  return element(
    "div", { class: "thing listing advertisement", "data-testid": "advertisement" },
    picture && safeAddress(picture) ? image(picture, title) : null,
    kindNode("tag", "From an advertisement"),
    element("b", {}, title),
    text ? element("span", {}, text) : null,
    url ? link(url, "Look at it") : null,
  );
}

/** A poll's question and its options. */
export function ballotNode({ question, options, several }) {
  return element(
    "div", { class: "thing ballot", "data-testid": "ballot" },
    element("b", {}, question),
    element("small", {}, several ? "Choose one or more" : "Choose one"),
    element("ul", {}, ...options.map((option) => element("li", {}, element("i", { "aria-hidden": "true" }), option))),
  );
}

/** A story that is answered or mentions somebody, or a post that is passed on. */
export function storyNode({ kind, url, title }) {
  const words = {
    reply: "Answer to a story", mention: "Mentioned in a story", post: title || "A post", reel: title || "A reel",
  }[kind];
  return element(
    "div", { class: "thing story", "data-testid": "story" },
    safeAddress(url) ? image(url, words) : null,
    element("b", {}, words),
  );
}

/** Buttons to tap; `tapped` is the title of the one that was, `tap` runs with a title. */
export function buttonsNode(buttons, tapped, tap) {
  const once = tapped && buttons.some(({ kind }) => kind === "reply" || kind === "quick_reply");
  return element(
    "div", { class: "choices-offered", role: "group", "aria-label": "Answers to tap" },
    ...buttons.map(({ kind, title, text, url }) => {
      if (kind === "url" && safeAddress(url)) return link(url, title, "choice-offered");
      return element(
        "button",
        { class: "choice-offered", type: "button", "data-testid": "choice", title: text,
          disabled: Boolean(once) || kind === "url", "aria-pressed": tapped === title ? "true" : null,
          onclick: () => tap(title) },
        title,
      );
    }),
  );
}

function kindNode(symbol, words) {
  return element("small", { class: "kind" }, drawing(symbol), words);
}

function image(address, alt) {
  const node = element("img", { src: address, alt, loading: "lazy" });
  node.addEventListener("error", () => node.remove(), { once: true }); // the card says in words what it shows
  return node;
}

function link(address, words, className = "more") {
  const href = safeAddress(address);
  return element("a", { class: className, href, rel: "noopener noreferrer", target: "_blank" }, words);
}
