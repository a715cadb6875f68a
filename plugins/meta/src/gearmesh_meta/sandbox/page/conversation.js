/** The messages of one phone, as far as the page keeps them, whatever order the news about them comes in. */

/** Messages kept of each phone; older ones stay on the server. */
export const KEPT = 300;

/** A typed message only moves forward: news may overtake each other (answer of a POST, event, list). */
const PROGRESS = Object.freeze({ sent: 0, delivered: 1, read: 2, failed: 3 });

export class Conversation {
  #messages = new Map();
  #touched = null; // ids with news since a reload began; null when none runs
  #reload = 0;

  /** Oldest first. */
  get messages() {
    return [...this.#messages.values()];
  }

  /** How many messages arrived and were not read. */
  get unread() {
    return this.messages.filter(({ direction, status }) => direction === "in" && status !== "read").length;
  }

  find(id) {
    return this.#messages.get(id) ?? null;
  }

  /** Takes in a message; true when it was not known before. */
  put(message) {
    const known = this.#messages.get(message.id);
    this.#messages.set(message.id, known ? further(known, message) : message);
    this.#touched?.add(message.id);
    this.#forgetOldest();
    return known === undefined;
  }

  /** Marks what arrived so far as read. */
  markRead() {
    for (const [id, message] of this.#messages) {
      if (message.direction === "in") this.#messages.set(id, { ...message, status: "read" });
    }
  }

  /**
   * Takes the server's list as the truth, except for what events told while it was on its way.
   * @param {() => Promise<object[]>} fetchList
   */
  async reload(fetchList) {
    const turn = ++this.#reload;
    this.#touched ??= new Set();
    let list;
    try {
      list = await fetchList();
    } catch (error) {
      if (turn === this.#reload) this.#touched = null;
      throw error;
    }
    if (turn !== this.#reload) return; // a later reload will bring newer news
    const before = this.#messages;
    this.#messages = new Map(list.slice(-KEPT).map((message) => [message.id, message]));
    for (const id of this.#touched) {
      const heard = before.get(id);
      if (heard) this.#messages.set(id, further(this.#messages.get(id) ?? heard, heard));
    }
    this.#touched = null;
    this.#forgetOldest();
  }

  #forgetOldest() {
    while (this.#messages.size > KEPT) this.#messages.delete(this.#messages.keys().next().value);
  }
}

function further(known, news) {
  return PROGRESS[news.status] >= PROGRESS[known.status] ? news : { ...news, status: known.status };
}
