/** The dialog that adds a phone. */

import { addPhone } from "./api.js";
import { drawing, element } from "./element.js";
import { bareHandle, markOf, NETWORKS } from "./networks.js";

export class NewPhone {
  #dialog;
  #form;
  #problem;
  #added;

  /**
   * @param {HTMLDialogElement} dialog as in index.html
   * @param {(phone: object) => void} added takes the phone once the server has it
   */
  constructor(dialog, added) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#problem = dialog.querySelector(".problem");
    this.#added = added;
    dialog.querySelector("#new-phone-networks").append(...NETWORKS.map(choice));
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.elements.cancel.addEventListener("click", () => dialog.close());
  }

  open() {
    this.#form.reset();
    this.#problem.textContent = "";
    this.#dialog.showModal();
    this.#form.elements.handle.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const { network, handle, name, add } = this.#form.elements;
    const wanted = bareHandle(handle.value.trim());
    if (!/^[A-Za-z0-9._-]+$/.test(wanted)) {
      this.#complain("A handle is one word of a-z, digits, dots, dashes and underscores, such as dora.");
      handle.focus();
      return;
    }
    add.disabled = true;
    add.textContent = "Adding…";
    this.#problem.textContent = "";
    try {
      const phone = await addPhone({ network: network.value, handle: wanted, name: name.value.trim() });
      this.#dialog.close();
      this.#added(phone);
    } catch (error) {
      this.#complain(error.message);
    } finally {
      add.disabled = false;
      add.textContent = "Add";
    }
  }

  #complain(words) {
    this.#problem.textContent = words;
  }
}

function choice(network, index) {
  return element(
    "label", { class: "choice" },
    element("input", { type: "radio", name: "network", value: network.id, checked: index === 0 }),
    drawing(markOf(network.id), "mark"), network.title,
  );
}
