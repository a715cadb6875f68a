/** Where a message is typed, and where what goes with it is chosen. */

import { author, body as wordsOf, excerpt } from "./attribution.js";
import { attachItems, sampleVoice, stickerButtons } from "./attach.js";
import { drawing, element } from "./element.js";
import { mediaOf } from "./files.js";
import { atHandle } from "./networks.js";
import { Recorder } from "./recorder.js";

/** Files that go with the text in the composer, as its caption or beside it. */
const CAPTIONED = Object.freeze(["image", "video", "gif", "file"]);

export class Composer {
  #network;
  #about = null; // {message, editing}: what is answered, or edited
  #kept = ""; // what stood here before an edit began
  #to;
  #popup;
  #field;
  #once = false; // the files that are being chosen are to be seen once
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
  #chooser = element("input", {
    type: "file", hidden: true, multiple: true, "data-testid": "chooser", onchange: () => this.#chosen(),
  });
  #attach;
  #recorder;

  /**
   * @param {{id: string, title: string, prompt: string}} network
   * @param {Popup} popup the menu of the phone
   * @param {{say: (text: string, quoted: object|null) => void, edit: (message: object, text: string) => void,
   *   attach: (body: object, quoted: object|null) => void}} to takes it away; what cannot be sent is given back
   */
  constructor(network, popup, to) {
    this.#network = network.id;
    this.#popup = popup;
    this.#to = to;
    this.#field = element("textarea", {
      rows: 1, placeholder: network.prompt, "aria-label": `Message on ${network.title}`, "data-testid": "composer",
      enterkeyhint: "send", onkeydown: (event) => this.#pressed(event), oninput: () => this.#fit(),
    });
    this.#attach = element(
      "button", { class: "attach", type: "button", "aria-label": "Attach", title: "Attach", "aria-haspopup": "menu",
        "data-testid": "attach", onclick: () => this.#openMenu() },
      drawing("clip"),
    );
    const button = element(
      "button", { class: "send", type: "submit", "aria-label": "Send", title: "Send", "data-testid": "send" },
      drawing("send"), element("span", { "aria-hidden": "true" }, "Send"),
    );
    this.#recorder = new Recorder(network.id, (file) => this.files([file], "voice"), () => this.#sendSample());
    this.node = element(
      "form", { class: "composer", onsubmit: (event) => this.#submit(event) },
      this.#problem, this.#quote, this.#recorder.node, this.#chooser,
      element("div", { class: "line" }, this.#field, this.#attach, button),
    );
  }

  /** What stands here unsent; put back when its phone is shown again. */
  get draft() {
    if (this.#about?.editing) return { text: this.#kept, quoted: null };
    return { text: this.#field.value, quoted: this.#about?.message ?? null };
  }

  set draft({ text, quoted }) {
    this.#field.value = text;
    this.#problem.textContent = "";
    this.#showAbout(quoted === null ? null : { message: quoted, editing: false });
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
    if (this.#about?.editing) this.cancelQuote();
    this.#showAbout({ message, editing: false });
    this.focus();
  }

  /** Puts the words of a message here to be changed. */
  edit(message) {
    this.#kept = this.draft.text;
    this.#showAbout({ message, editing: true });
    this.#field.value = wordsOf(message);
    this.#toEnd();
  }

  /** Starts a message to a person, in the place of another person's handle if one stands there. */
  addressTo(handle) {
    this.#field.value = `${atHandle(handle)} ${this.#field.value.replace(/^@\S*\s*/u, "")}`;
    this.#toEnd();
  }

  /** True when there was a quote, an edit or a recording to cancel. */
  cancelQuote() {
    if (this.#recorder.cancel()) {
      this.focus();
      return true;
    }
    if (this.#about === null) return false;
    if (this.#about.editing) this.#field.value = this.#kept;
    this.#showAbout(null);
    this.focus();
    this.#fit();
    return true;
  }

  /** Puts back what could not be sent, in front of what was typed since, and says why. */
  giveBack(text, quoted, reason) {
    const since = this.#field.value;
    const about = this.#about;
    this.draft = { text: since === "" || text === "" ? text + since : `${text}\n${since}`, quoted };
    if (about !== null) this.#showAbout(about);
    this.#problem.textContent = reason;
  }

  /** Says why something could not be done. */
  complain(reason) {
    this.#problem.textContent = reason;
  }

  /** Sends files, the first with what stands here as its caption. */
  async files(files, type = undefined) {
    const once = this.#once;
    this.#once = false;
    for (const file of files) {
      try {
        const media = await mediaOf(file, type);
        this.#send(once ? { media, view_once: true } : { media });
      } catch (error) {
        this.complain(error.message);
      }
    }
  }

  #openMenu() {
    const composer = {
      file: (accept, once) => this.#choose(accept, once),
      voice: () => this.#recorder.start(),
      stickers: () => this.#popup.open(this.#attach, "Stickers", stickerButtons(composer)),
      send: (body) => this.#send(body),
      problem: (error) => this.complain(error.message),
    };
    const items = element("div", { class: "menu-items" }, ...attachItems(this.#network, composer));
    this.#popup.open(this.#attach, "Attach", [items]);
  }

  #choose(accept, once) {
    this.#once = once;
    this.#chooser.accept = accept;
    this.#chooser.value = "";
    this.#chooser.click();
  }

  #chosen() {
    this.files([...this.#chooser.files]);
  }

  async #sendSample() {
    try {
      await this.files([await sampleVoice(this.#network)], "voice");
    } catch (error) {
      this.complain(error.message);
    }
  }

  #send(body) {
    const editing = this.#about?.editing === true;
    const quoted = editing ? null : (this.#about?.message ?? null);
    const captioned = !editing && !body.view_once && CAPTIONED.includes(body.media?.type);
    const text = captioned ? this.#field.value.trim() : "";
    if (text !== "" || quoted !== null) this.draft = { text: text === "" ? this.#field.value : "", quoted: null };
    else this.#problem.textContent = "";
    this.#to.attach(text === "" ? body : { ...body, text }, quoted);
    this.focus();
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
    const about = this.#about;
    this.draft = { text: about?.editing ? this.#kept : "", quoted: null };
    if (about?.editing) this.#to.edit(about.message, text);
    else this.#to.say(text, about?.message ?? null);
  }

  #showAbout(about) {
    this.#about = about;
    this.#quote.hidden = about === null;
    this.node.classList.toggle("editing", about?.editing === true);
    if (about === null) return;
    const { message, editing } = about;
    const who = author(message) === "You" ? "yourself" : author(message);
    this.#quoteWho.textContent = editing ? "Editing your message" : `Answering ${who}`;
    this.#quoteText.textContent = excerpt(message);
  }

  #toEnd() {
    this.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
    this.#fit();
  }

  /** As high as its text, up to the limit the style sheet sets. */
  #fit() {
    this.#field.style.height = "auto";
    const frame = this.#field.offsetHeight - this.#field.clientHeight;
    if (this.#field.scrollHeight > 0) this.#field.style.height = `${this.#field.scrollHeight + frame}px`;
    this.node.classList.toggle("empty", this.#field.value.trim() === "");
  }
}
