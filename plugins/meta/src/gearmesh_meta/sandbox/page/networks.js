/** The three messengers of this page, in the order they stand on it; `prompt` is the words in an empty composer. */
export const NETWORKS = Object.freeze([
  Object.freeze({ id: "whatsapp", title: "WhatsApp", prompt: "Message" }),
  Object.freeze({ id: "messenger", title: "Messenger", prompt: "Aa" }),
  Object.freeze({ id: "instagram", title: "Instagram", prompt: "Message…" }),
]);

const BY_ID = new Map(NETWORKS.map((network) => [network.id, network]));

/** "WhatsApp" for "whatsapp"; an app this page does not know keeps the name its operator gave it. */
export function titleOf(id) {
  return BY_ID.get(id)?.title ?? id;
}

/** The symbol id of a network's mark, by id ("whatsapp") or title ("WhatsApp"). */
export function markOf(name) {
  const id = name.toLowerCase();
  return BY_ID.has(id) ? `mark-${id}` : "mark-other";
}

/** One string that names a phone: users are unique only within their network. */
export function keyOf({ network, user }) {
  return `${network}:${user}`;
}

/** "@ada" for both "ada" and "@ada". */
export function atHandle(handle) {
  return `@${bareHandle(handle)}`;
}

/** "ada" for both "ada" and "@ada". */
export function bareHandle(handle) {
  return handle.replace(/^@/, "");
}
