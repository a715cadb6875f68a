/** On a narrow screen the phones stand behind tabs; on a wide one side by side, and the tabs are gone. */

import { drawing, element, unseen } from "./element.js";
import { markOf, NETWORKS } from "./networks.js";

/** As in phones.css. */
const NARROW = "(max-width: 979px)";

export class Tabs {
  #narrow = matchMedia(NARROW);
  #tabs = new Map(); // network id -> { tab, badge, panel }
  #chosen = NETWORKS[0].id;

  /**
   * @param {HTMLElement} list the tablist
   * @param {Map<string, HTMLElement>} panels phones by network id
   */
  constructor(list, panels) {
    for (const { id, title } of NETWORKS) {
      const badge = element("span", { class: "badge", hidden: true });
      const tab = element(
        "button",
        { class: "tab", type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `phone-${id}`,
          "data-testid": "tab", "data-tab": id, onclick: () => this.choose(id) },
        drawing(markOf(id), "mark"), element("span", {}, title), badge,
      );
      this.#tabs.set(id, { tab, badge, panel: panels.get(id) });
      list.append(tab);
    }
    list.addEventListener("keydown", (event) => this.#move(event));
    this.#narrow.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** Brings a network's phone to the front; does nothing to see on a wide screen. */
  choose(id) {
    this.#chosen = id;
    this.#show();
  }

  /** The network whose phone is in front, or was last. */
  get chosen() {
    return this.#chosen;
  }

  /** Whether the tab of a network has the focus, on a screen where it shows the phone. */
  isFocused(id) {
    return this.#narrow.matches && this.#tabs.get(id).tab === document.activeElement;
  }

  unread(id, count) {
    const { badge } = this.#tabs.get(id);
    badge.hidden = count === 0;
    badge.replaceChildren(String(count), unseen(" unread"));
  }

  #show() {
    for (const [id, { tab, panel }] of this.#tabs) {
      const chosen = id === this.#chosen;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      panel.classList.toggle("behind", !chosen);
      if (this.#narrow.matches) panel.setAttribute("role", "tabpanel");
      else panel.removeAttribute("role");
    }
  }

  #move(event) {
    const ids = [...this.#tabs.keys()];
    const here = ids.indexOf(this.#chosen);
    const last = ids.length - 1;
    const target = {
      ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here === 0 ? last : here - 1, Home: 0, End: last,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.choose(ids[target]);
    this.#tabs.get(ids[target]).tab.focus();
  }
}
