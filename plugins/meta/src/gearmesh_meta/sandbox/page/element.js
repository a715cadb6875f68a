/**
 * Builds DOM nodes. What people type only ever becomes a text node or a plain attribute, so no message can turn
 * into markup; addresses of media pass `safeAddress` first, so no message can turn into a script either.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, unknown>} attributes null, undefined and false are left out; a function named `onclick`
 *   and the like becomes a listener.
 * @param {...(Node|string|null)} children
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A drawing of index.html by its symbol id; decoration, so hidden from screen readers. */
export function drawing(symbol, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `drawing ${className}`.trim());
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${symbol}`);
  svg.append(use);
  return svg;
}

/** Words for screen readers only. */
export function unseen(words) {
  return element("span", { class: "unseen" }, words);
}

/** The address if a browser may load it as media or as a download, else null. */
export function safeAddress(address) {
  let scheme;
  try {
    scheme = new URL(address, document.baseURI).protocol;
  } catch {
    return null; // not an address at all: the caller shows the media's name instead
  }
  return ["http:", "https:", "data:"].includes(scheme) ? address : null;
}

/** True when the person asked the system for less movement. */
export function prefersStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
