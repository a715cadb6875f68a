/** What one phone's person does, in the order in which they do it: the next thing waits for the answer to the last. */

import { changeMessage, react, sendMessage } from "./api.js";

export class Outbox {
  #last = Promise.resolve();
  #sent;
  #failed;

  /**
   * @param {{sent: (phone: object, message: object) => void, failed: (phone: object, body: object, quoted: object|null,
   *   error: Error) => void}} listener `body` is what could not be sent, empty for a change
   */
  constructor({ sent, failed }) {
    this.#sent = sent;
    this.#failed = failed;
  }

  /** Sends a new message. */
  send(phone, body, quoted) {
    const whole = quoted === null ? body : { ...body, reply_to: quoted.id };
    this.#then(phone, body, quoted, async () => this.#sent(phone, await sendMessage(phone, whole)));
  }

  /** Changes a message: "edit", "unsend", "forward", "tap" or "play". What became of it comes as news. */
  change(phone, what, message, more = {}) {
    this.#then(phone, {}, null, () => changeMessage(phone, what, message.id, more));
  }

  /** Puts a reaction on a message, or takes it off without an emoji. */
  react(phone, message, emoji) {
    this.#then(phone, {}, null, () => react(phone, message.id, emoji));
  }

  #then(phone, body, quoted, run) {
    this.#last = this.#last.then(run).catch((error) => this.#failed(phone, body, quoted, error));
  }
}
