/** Where a message is typed. */

import { author, excerpt } from "./attribution.js";
import { drawing, element } from "./element.js";
import { atHandle } from "./networks.js";

export class Composer {
  #quoted = null;
  #send;
  #field;
  #quoteWho = element("b");
  #quoteText = element("span");
  #quote = element(
    "div", { class: "answering", hidden: true, "data-testid": "answering" },
    element("p", {}, this.#quoteWho, this.#quoteText),
    element(
      "button", { class: "icon", type: "button", "aria-label": "Cancel the quote", title: "Cancel the quote (Esc)",
        "data-testid": "cancel-quote", onclick: () => this.cancelQuote() },
      drawing("close"),
    ),
  );
  #problem = element("p", { class: "problem", role: "alert" });

  /**
   * @param {{title: string, prompt: string}} network
   * @param {(text: string, quoted: object|null) => void} send takes the text away; what it cannot send it gives back
   */
  constructor(network, send) {
    this.#send = send;
    this.#field = element("textarea", {
      rows: 1, placeholder: network.prompt, "aria-label": `Message on ${network.title}`, "data-testid": "composer",
      enterkeyhint: "send", onkeydown: (event) => this.#pressed(event), oninput: () => this.#fit(),
    });
    const button = element(
      "button", { class: "send", type: "submit", "aria-label": "Send", title: "Send", "data-testid": "send" },
      drawing("send"), element("span", { "aria-hidden": "true" }, "Send"),
    );
    this.node = element(
      "form", { class: "composer", onsubmit: (event) => this.#submit(event) },
      this.#problem, this.#quote, element("div", { class: "line" }, this.#field, button),
    );
  }

  /** What stands here unsent; put back when its phone is shown again. */
  get draft() {
    return { text: this.#field.value, quoted: this.#quoted };
  }

  set draft({ text, quoted }) {
    this.#field.value = text;
    this.#problem.textContent = "";
    this.#showQuote(quoted);
    this.#fit();
  }

  set writer(name) {
    this.#field.setAttribute("aria-label", `Message from ${name}`);
  }

  focus() {
    this.#field.focus();
  }

  /** Shows the message being answered and waits for the answer. */
  answer(message) {
    this.#showQuote(message);
    this.focus();
  }

  /** Starts a message to a person, in the place of another person's handle if one stands there. */
  addressTo(handle) {
    this.#field.value = `${atHandle(handle)} ${this.#field.value.replace(/^@\S*\s*/u, "")}`;
    this.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
    this.#fit();
  }

  /** True when there was a quote to cancel. */
  cancelQuote() {
    if (this.#quoted === null) return false;
    this.#showQuote(null);
    this.focus();
    return true;
  }

  /** Puts back what could not be sent, in front of what was typed since, and says why. */
  giveBack(text, quoted, reason) {
    const since = this.#field.value;
    this.draft = { text: since === "" ? text : `${text}\n${since}`, quoted: this.#quoted ?? quoted };
    this.#problem.textContent = reason;
  }

  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.node.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#field.value.trimEnd();
    this.focus();
    if (text.trim() === "") return;
    const quoted = this.#quoted;
    this.draft = { text: "", quoted: null };
    this.#send(text, quoted);
  }

  #showQuote(message) {
    this.#quoted = message;
    this.#quote.hidden = message === null;
    this.#quoteWho.textContent = message ? `Answering ${author(message) === "You" ? "yourself" : author(message)}` : "";
    this.#quoteText.textContent = message ? excerpt(message) : "";
  }

  /** As high as its text, up to the limit the style sheet sets. */
  #fit() {
    this.#field.style.height = "auto";
    const frame = this.#field.offsetHeight - this.#field.clientHeight;
    if (this.#field.scrollHeight > 0) this.#field.style.height = `${this.#field.scrollHeight + frame}px`;
    this.node.classList.toggle("empty", this.#field.value.trim() === "");
  }
}
