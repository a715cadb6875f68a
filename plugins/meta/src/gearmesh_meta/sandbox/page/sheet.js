/** A small form in a dialog, for what is more than text: a place, a contact, a poll. */

import { element } from "./element.js";

/**
 * Asks, and resolves with the values by name; null when the person thinks better of it.
 * @param {{title: string, send: string, fields: {name: string, label: string, value?: string, type?: string,
 *   required?: boolean, choices?: {value: string, words: string}[]}[]}} questions
 * @returns {Promise<Record<string, string>|null>}
 */
export function ask({ title, send, fields }) {
  const form = element(
    "form", { method: "dialog" },
    element("h2", {}, title),
    ...fields.map(field),
    element(
      "div", { class: "dialog-buttons" },
      element("button", { class: "plain", type: "button", onclick: () => dialog.close() }, "Cancel"),
      element("button", { class: "strong", type: "submit", "data-testid": "sheet-send" }, send),
    ),
  );
  const dialog = element("dialog", { class: "new-phone sheet", "aria-label": title, "data-testid": "sheet" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let values = null;
    form.addEventListener("submit", () => {
      values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(values);
    });
  });
}

function field({ name, label, value = "", type = "text", required = false, choices = null }) {
  if (type === "checkbox") {
    return element("label", { class: "check" }, element("input", { type, name, value: "yes" }), label);
  }
  const input = choices
    ? element("select", { name }, ...choices.map((choice) => element("option", { value: choice.value }, choice.words)))
    : element("input", { name, type, value, required, step: type === "number" ? "any" : null, autocomplete: "off" });
  return element("label", {}, label, element("span", { class: "field" }, input));
}
