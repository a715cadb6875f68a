/** A small menu over the page, which goes away when somebody looks elsewhere. */

import { element } from "./element.js";

const MARGIN = 8; // px to the edges of the window

export class Popup {
  #anchor = null;
  #node = element("div", { class: "popup", popover: "auto", role: "menu" });

  /** @param {HTMLElement} home where it belongs; its colours are those of this phone */
  constructor(home) {
    home.append(this.#node);
    this.#node.addEventListener("keydown", (event) => this.#pressed(event));
    this.#node.addEventListener("click", (event) => {
      if (event.target.closest("button:not([data-stays])")) this.close();
    });
  }

  /** Opens beside `anchor`, in the place of what was open. */
  open(anchor, label, children) {
    this.close();
    this.#anchor = anchor;
    this.#node.setAttribute("aria-label", label);
    this.#node.replaceChildren(...children);
    this.#node.showPopover();
    this.#place();
    this.#controls()[0]?.focus();
  }

  close() {
    if (!this.#node.matches(":popover-open")) return;
    const hadFocus = this.#node.contains(document.activeElement);
    this.#node.hidePopover();
    if (hadFocus) this.#anchor?.focus({ preventScroll: true });
  }

  #controls() {
    return [...this.#node.querySelectorAll("button:not(:disabled)")];
  }

  #place() {
    const { left, right, top, bottom } = this.#anchor.getBoundingClientRect();
    const { width, height } = this.#node.getBoundingClientRect();
    const middle = (left + right) / 2 - width / 2;
    const above = top - height - MARGIN;
    const below = Math.min(bottom + MARGIN, innerHeight - height - MARGIN);
    this.#node.style.left = `${Math.max(MARGIN, Math.min(middle, innerWidth - width - MARGIN))}px`;
    this.#node.style.top = `${Math.max(MARGIN, above >= MARGIN ? above : below)}px`;
  }

  #pressed(event) {
    event.stopPropagation(); // Esc is not meant for a quote in the composer, arrows are not for the bubbles
    if (event.key === "Escape") {
      event.preventDefault();
      return this.close();
    }
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return undefined;
    event.preventDefault();
    const controls = this.#controls();
    const next = controls.indexOf(document.activeElement) + step;
    return controls.at(next % controls.length)?.focus();
  }
}

/** One line of a menu; one that `leads` on opens another menu in its place. */
export function menuItem(symbolNode, words, onclick, testid, leads = false) {
  return element(
    "button",
    { class: "menu-item", type: "button", role: "menuitem", "data-testid": testid, "data-stays": leads,
      "aria-haspopup": leads ? "menu" : null, onclick },
    symbolNode, words,
  );
}
