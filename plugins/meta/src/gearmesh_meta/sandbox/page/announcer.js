/** Tells screen readers what arrived, without a flood of words when much arrives at once. */

const GATHERED = 600; // ms in which arrivals are told together
const KEPT = 10_000; // ms a line stays in the live region, so that it can be read

export class Announcer {
  #region;
  #waiting = [];

  /** @param {HTMLElement} region an element with aria-live */
  constructor(region) {
    this.#region = region;
  }

  say(sentence) {
    this.#waiting.push(sentence);
    if (this.#waiting.length === 1) setTimeout(() => this.#tell(), GATHERED);
  }

  #tell() {
    const sentences = this.#waiting;
    this.#waiting = [];
    const words = sentences.length > 3 ? `${sentences.length} messages arrived` : sentences.join(". ");
    const line = document.createElement("p");
    line.textContent = words;
    this.#region.append(line);
    setTimeout(() => line.remove(), KEPT);
  }
}
