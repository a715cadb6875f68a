/** Records a voice note, or offers the one that comes with the page where there is no microphone. */

import { drawing, element } from "./element.js";

/** In the order in which the messengers themselves record them; a browser knows one of these at least. */
const FORMATS = Object.freeze({
  whatsapp: ["audio/ogg;codecs=opus", "audio/mp4", "audio/webm;codecs=opus"],
  messenger: ["audio/mp4", "audio/webm;codecs=opus", "audio/ogg;codecs=opus"],
  instagram: ["audio/mp4", "audio/webm;codecs=opus", "audio/ogg;codecs=opus"],
});

export class Recorder {
  #network;
  #send;
  #example;
  #stream = null;
  #recorder = null;
  #timer = null;
  #words = element("span", { class: "recording-words", role: "status" });
  #sendButton = element(
    "button", { class: "strong", type: "button", "data-testid": "send-recording", onclick: () => this.#finish() },
    "Send",
  );

  /**
   * @param {string} network
   * @param {(file: File) => void} send takes what was recorded
   * @param {() => void} example sends the page's own voice note
   */
  constructor(network, send, example) {
    this.#network = network;
    this.#send = send;
    this.#example = example;
    this.node = element(
      "div", { class: "recording", hidden: true, "data-testid": "recording" },
      drawing("microphone"), this.#words,
      element(
        "button", { class: "plain", type: "button", "data-testid": "sample-voice", onclick: () => this.#useExample() },
        "Sample",
      ),
      this.#sendButton,
      element(
        "button",
        { class: "icon", type: "button", "aria-label": "Cancel the voice note", title: "Cancel",
          onclick: () => this.cancel() },
        drawing("close"),
      ),
    );
  }

  /** Begins to record, once the person lets the page. */
  async start() {
    this.node.hidden = false;
    this.#sendButton.hidden = true;
    this.#words.textContent = "Asking for the microphone…";
    this.node.querySelector("button").focus();
    const type = FORMATS[this.#network].find((one) => globalThis.MediaRecorder?.isTypeSupported(one));
    try {
      if (type === undefined || !navigator.mediaDevices) throw new Error("this browser does not record");
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      this.#words.textContent = `No microphone (${error.message}). There is a sample.`;
      return;
    }
    if (this.node.hidden) return this.#release(); // cancelled while the browser asked
    this.#record(type);
  }

  /** True when there was something to cancel. */
  cancel() {
    if (this.node.hidden) return false;
    this.node.hidden = true;
    if (this.#recorder) this.#recorder.onstop = null;
    this.#release();
    return true;
  }

  #record(type) {
    const pieces = [];
    this.#recorder = new MediaRecorder(this.#stream, { mimeType: type });
    this.#recorder.ondataavailable = ({ data }) => pieces.push(data);
    this.#recorder.onstop = () => {
      this.#release();
      this.#send(new File(pieces, `voice.${/audio\/(\w+)/.exec(type)[1]}`, { type }));
    };
    this.#recorder.start();
    const began = Date.now();
    const show = () => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      this.#words.textContent = `Recording ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    };
    show();
    this.#timer = setInterval(show, 500);
    this.#sendButton.hidden = false;
    this.#sendButton.focus();
  }

  #finish() {
    this.node.hidden = true;
    this.#recorder.stop(); // its stop event hands the recording over
  }

  #useExample() {
    this.cancel();
    this.#example();
  }

  #release() {
    clearInterval(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#recorder = null;
  }
}
