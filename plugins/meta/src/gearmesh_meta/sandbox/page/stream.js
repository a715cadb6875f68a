/** Server-sent events that stay connected and say whether they are. */

const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 8000; // ms

/**
 * A browser retries an EventSource whose connection broke, but gives up for good when the server answers anything
 * else than a stream (a proxy's 502 while it restarts, say). This class starts a new one then.
 */
export class Stream {
  #source = null;
  #timer = null;
  #pause = FIRST_PAUSE;
  #address;
  #listener;

  /**
   * @param {string} address
   * @param {{opened: () => Promise<void>, arrived: (item: object) => void, lost: () => void}} listener
   *   `opened` runs at each connection, the first and later ones, before which items may have been missed; when
   *   it fails the connection counts as lost. `lost` may run several times in a row.
   */
  constructor(address, listener) {
    this.#address = address;
    this.#listener = listener;
  }

  open() {
    this.close();
    const source = new EventSource(this.#address);
    this.#source = source;
    source.onopen = () => this.#opened(source);
    source.onmessage = (event) => this.#listener.arrived(JSON.parse(event.data));
    source.onerror = () => {
      this.#listener.lost();
      if (source.readyState === EventSource.CLOSED) this.#openLater(source);
    };
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  async #opened(source) {
    try {
      await this.#listener.opened();
      this.#pause = FIRST_PAUSE;
    } catch (error) {
      console.warn(`${this.#address} is open but the page could not load its lists; trying again.`, error);
      this.#listener.lost();
      this.#openLater(source);
    }
  }

  #openLater(source) {
    if (source !== this.#source) return; // an older connection of ours: its successor is already at work
    this.close();
    this.#timer = setTimeout(() => this.open(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}
