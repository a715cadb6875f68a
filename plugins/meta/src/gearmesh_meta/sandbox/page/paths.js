/** The section below the phones: the ways of the last messages through the broker, newest first. */

import { listPaths } from "./api.js";
import { pathRow } from "./path.js";
import { Stream } from "./stream.js";

const SHOWN = 12;
const RETRY = 2000; // ms
const NOTHING = "Nothing is on its way. Send a message and watch it go from phone to phone.";
const ALONE = "The sandbox runs alone here. Open the page through gearmesh demo to see the path of each message.";

export class Paths {
  #items = new Map(); // newest last, at most SHOWN
  #rows = new Map(); // key -> { item, node }
  #heard = new Set(); // keys with news since the last reload began
  #drawing = false;
  #offered = true; // false where no daemon shares the address
  #turn = 0;
  #timer = null;
  #list;
  #note;
  #handleOf;
  #listener;
  #stream;

  /**
   * @param {{list: HTMLElement, note: HTMLElement}} nodes
   * @param {(address: string) => string|null} handleOf
   * @param {{live: () => void, lost: () => void}} listener
   */
  constructor({ list, note }, handleOf, listener) {
    this.#list = list;
    this.#note = note;
    this.#handleOf = handleOf;
    this.#listener = listener;
    this.#stream = new Stream("/paths/stream", {
      opened: () => this.#reload(),
      arrived: (item) => {
        this.#put(item);
        this.#drawSoon();
      },
      lost: () => listener.lost(),
    });
  }

  /** Starts, or starts again; keeps trying. Where nothing offers paths, says so and leaves it at that. */
  async open() {
    this.close();
    const turn = this.#turn;
    let items;
    try {
      items = await listPaths();
    } catch (error) {
      if (turn !== this.#turn) return;
      console.warn("The list of paths did not come; trying again.", error);
      this.#listener.lost();
      this.#timer = setTimeout(() => this.open(), RETRY);
      return;
    }
    if (turn !== this.#turn) return; // closed or opened anew meanwhile
    this.#offered = items !== null;
    this.#replace(items ?? []);
    if (this.#offered) this.#stream.open();
    else this.#listener.live();
  }

  close() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#stream.close();
  }

  /** Draws all rows again, after people were added. */
  redraw() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#draw();
  }

  async #reload() {
    this.#heard = new Set();
    const items = await listPaths();
    this.#replace(items ?? []);
    this.#listener.live();
  }

  /** Takes the list as the truth, except for what events told while it was on its way. */
  #replace(items) {
    const heard = this.#heard;
    const listed = new Set(items.map(keyOf));
    for (const key of this.#items.keys()) {
      if (!listed.has(key) && !heard.has(key)) this.#items.delete(key);
    }
    for (const item of items) if (!heard.has(keyOf(item))) this.#put(item);
    this.#draw();
  }

  #put(item) {
    if (item.kind === "receipt") return; // nobody has written it
    const key = keyOf(item);
    this.#heard.add(key);
    this.#items.set(key, merged(this.#items.get(key), item));
    if (this.#items.size > SHOWN) this.#items.delete(this.#items.keys().next().value);
  }

  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.#draw();
    }, 50);
  }

  #draw() {
    const shown = [...this.#items.values()].reverse();
    const rows = new Map();
    let place = this.#list.firstElementChild;
    for (const item of shown) {
      const node = this.#row(item);
      rows.set(keyOf(item), { item, node });
      if (node === place) place = place.nextElementSibling;
      else this.#list.insertBefore(node, place);
    }
    const kept = new Set([...rows.values()].map(({ node }) => node));
    for (const node of [...this.#list.children]) if (!kept.has(node)) node.remove();
    this.#rows = rows;
    this.#note.hidden = shown.length > 0;
    this.#note.textContent = this.#offered ? NOTHING : ALONE;
  }

  #row(item) {
    const drawn = this.#rows.get(keyOf(item));
    if (drawn?.item === item) return drawn.node;
    const node = pathRow(item, this.#handleOf);
    if (!drawn && this.#rows.size > 0) node.classList.add("fresh");
    return node;
  }
}

function keyOf(item) {
  return `${item.id} ${item.to}`;
}

/**
 * What is known of an item after news. Word of a failure comes from the network and names no hops: those known stay.
 * It may also overtake our own record that the message was sent, and is right then.
 */
function merged(known, news) {
  if (!known) return news;
  const hops = news.hops.length > 0 ? news.hops : known.hops;
  const overtaken = known.hops.length === 0 && known.state === "failed" && news.state === "sent";
  return overtaken ? { ...known, hops } : { ...news, hops };
}
