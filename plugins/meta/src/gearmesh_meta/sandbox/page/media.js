/** What a message carries besides text: `{type, mime, name?, base64? | url?}`. */

import { mediaWord } from "./attribution.js";
import { drawing, element, safeAddress } from "./element.js";

/** The node that shows a message's media; always names it when the browser cannot load it. */
export function mediaNode(media) {
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
    case "audio":
    case "voice":
      return orFile(
        element("audio", { class: "media", src: address, controls: true, preload: "metadata", "aria-label": name }),
        address, name,
      );
    default:
      return fileNode(address, name);
  }
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

function fileNode(address, name) {
  const inside = [drawing("file"), element("span", {}, name)];
  if (address === null) return element("span", { class: "media file" }, ...inside);
  return element(
    "a", { class: "media file", href: address, download: name, rel: "noopener noreferrer", target: "_blank" },
    ...inside,
  );
}
