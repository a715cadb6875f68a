/** A voice note: a button, how far it has come, how long it is. */

import { drawing, element } from "./element.js";

const NEWS = Object.freeze(["loadedmetadata", "durationchange", "play", "pause", "timeupdate", "ended"]);
let playing = null; // one at a time, as in the messengers

/**
 * @param {string} address
 * @param {string} name for those who do not see it
 * @param {() => void} played runs when it begins to play
 */
export function voiceNode(address, name, played) {
  const audio = element("audio", { src: address, preload: "metadata", "data-testid": "voice" });
  const time = element("span", { class: "length" }, "0:00");
  const place = element("input", {
    type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": `Place in ${name}`,
  });
  const button = element("button", {
    class: "play", type: "button", "data-testid": "play", onclick: () => toggle(audio),
  });
  const node = element("div", { class: "voice", "data-state": "paused" }, button, place, time, audio);

  function show() {
    const running = !audio.paused && !audio.ended;
    node.dataset.state = running ? "playing" : "paused";
    button.setAttribute("aria-label", `${running ? "Pause" : "Play"} ${name}`);
    button.replaceChildren(drawing(running ? "pause" : "play"));
    const length = Number.isFinite(audio.duration) ? audio.duration : 0;
    place.max = length || 1;
    place.value = audio.currentTime;
    place.setAttribute("aria-valuetext", clock(audio.currentTime));
    time.textContent = clock(audio.currentTime > 0 && !audio.ended ? audio.currentTime : length);
  }
  audio.addEventListener("play", () => {
    if (playing !== audio) playing?.pause();
    playing = audio;
    played();
  });
  for (const news of NEWS) audio.addEventListener(news, show);
  place.addEventListener("input", () => { audio.currentTime = Number(place.value); });
  show();
  return { node, audio };
}

function toggle(audio) {
  if (!audio.paused) return audio.pause();
  if (audio.ended) audio.currentTime = 0;
  return audio.play().catch((error) => {
    // Another note was begun before this one had loaded; a file that cannot be played tells so by its own event.
    if (error.name !== "AbortError") console.info(`A voice note cannot be played here: ${error.message}`);
  });
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
