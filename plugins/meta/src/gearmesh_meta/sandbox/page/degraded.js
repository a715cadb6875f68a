/** What a line was before its network could only show it as words: a small label with a drawing. */

import { drawing, element } from "./element.js";

/** By the feature's name in Gearmesh's capabilities. */
const LABELS = Object.freeze({
  reaction: ["smiley", "reaction"], edit: ["pencil", "edited"], redaction: ["bin", "deleted"],
  reply: ["reply", "answer"], forward: ["forward", "forwarded"], location: ["pin", "location"],
  contacts: ["person", "contact"], poll: ["bars", "poll"], vote: ["bars", "vote"], product: ["tag", "listing"],
  buttons: ["bars", "choices"], view_once: ["once", "view once"], image: ["picture", "picture"],
  video: ["picture", "video"], gif: ["picture", "GIF"], sticker: ["smiley", "sticker"], audio: ["microphone", "audio"],
  voice: ["microphone", "voice note"], file: ["file", "file"], membership: ["person", "group"],
});

/** The label of what was degraded; null for what came as it is. A kind that the page does not know says its name. */
export function degradedNode(was) {
  if (!was) return null;
  const [symbol, words] = LABELS[was] ?? ["bars", was.replaceAll("_", " ")];
  const title = `This network shows it as text: ${words}`;
  return element("p", { class: "was", "data-testid": "was", "data-was": was, title }, drawing(symbol), words);
}
