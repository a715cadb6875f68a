/** What a message carries besides text: `{type, mime, name?, base64? | url?}`. */

import { mediaWord } from "./attribution.js";
import { drawing, element, safeAddress } from "./element.js";
import { voiceNode } from "./voice.js";

/**
 * The node that shows a message's media; always names it when the browser cannot load it.
 * @param {object} media
 * @param {() => void} played runs when a voice note begins to play
 */
export function mediaNode(media, played) {
  const address = addressOf(media);
  const name = media.name || mediaWord(media);
  if (address === null) return fileNode(null, `${name} (cannot be shown)`);
  switch (media.type) {
    case "image":
    case "sticker":
      return orFile(element("img", { class: `media ${media.type}`, src: address, alt: name }), address, name);
    case "video":
      return orFile(
        element("video", { class: "media", src: address, controls: true, preload: "metadata", "aria-label": name }),
        address, name,
      );
    case "gif":
      return orFile(gifNode(media, address, name), address, name);
    case "voice": {
      const { node, audio } = voiceNode(address, name, played);
      audio.addEventListener("error", () => node.replaceWith(fileNode(address, name)), { once: true });
      return node;
    }
    case "audio":
      return orFile(
        element("audio", { class: "media", src: address, controls: true, preload: "metadata", "aria-label": name }),
        address, name,
      );
    default:
      return fileNode(address, name, media.size);
  }
}

/** Some apps send a GIF as a film without sound. */
function gifNode(media, address, name) {
  if (!media.mime?.startsWith("video/")) return element("img", { class: "media gif", src: address, alt: name });
  const film = element("video", {
    class: "media gif", src: address, loop: true, autoplay: true, playsinline: true, "aria-label": name,
  });
  film.muted = true; // as an attribute it would come too late for autoplay
  return film;
}

function addressOf(media) {
  if (media.base64) return `data:${media.mime || "application/octet-stream"};base64,${media.base64}`;
  return media.url ? safeAddress(media.url) : null;
}

/** Puts a link in the place of what the browser fails to show (an unknown codec, a picture that is gone). */
function orFile(node, address, name) {
  node.addEventListener("error", () => node.replaceWith(fileNode(address, name)), { once: true });
  return node;
}

function fileNode(address, name, size = null) {
  const inside = [drawing("file"), element("span", {}, name, ...(size ? [element("small", {}, sizeWords(size))] : []))];
  if (address === null) return element("span", { class: "media file" }, ...inside);
  return element(
    "a", { class: "media file", href: address, download: name, rel: "noopener noreferrer", target: "_blank" },
    ...inside,
  );
}

/** "12 KB", "3.4 MB". */
function sizeWords(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
