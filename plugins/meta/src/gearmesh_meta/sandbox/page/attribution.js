/**
 * Who a bridged message is from. Networks without puppets show it as a first line of text such as
 * "Ada Lovelace (@ada, WhatsApp):", Messenger as the name of a persona; of a group its title stands behind it, and under
 * a persona alone. Taking the line apart loses nothing: `line` is shown word for word above the rest.
 */

const LINE = /^(?<name>\S.{0,79}) \((?:@\S{1,64}, )?(?<network>[^(),]{1,32})\)(?: in \S.{0,99})?:?$/u;
const GROUP = /^in \S.{0,99}:$/u;

const MEDIA_WORDS = Object.freeze({
  image: "Picture", sticker: "Sticker", video: "Video", gif: "GIF", audio: "Audio", voice: "Voice message",
  file: "File",
});
/** Kinds with a shape of their own, whose words would say the same twice. */
const SHAPES = Object.freeze(["place", "contacts", "ballot"]);

/**
 * @returns {{sender: {name: string, rest: string, network: string|null}|null, persona: string|null, body: string}}
 *   `name + rest` is the attribution line as it came; `persona` is set only where it adds something to the line.
 */
export function attributed(message) {
  const text = message.text ?? "";
  const persona = message.sender_name || null;
  if (message.direction !== "in") return { sender: null, persona: null, body: text };
  const end = text.indexOf("\n");
  const first = end < 0 ? text : text.slice(0, end);
  // A lone line of that shape is what somebody said, unless it stands under a picture, or announces one by its colon.
  const sender = end >= 0 || message.media || first.endsWith(":") ? parse(first) : null;
  if (sender) {
    const repeated = persona === null || persona === first || persona === sender.name;
    return { sender, persona: repeated ? null : persona, body: end < 0 ? "" : text.slice(end + 1) };
  }
  if (persona === null) return { sender: null, persona: null, body: text };
  const known = parse(persona) ?? { name: persona, rest: "", network: null };
  if (!GROUP.test(first)) return { sender: known, persona: null, body: text };
  return { sender: { ...known, rest: `${known.rest} ${first}` }, persona: null, body: end < 0 ? "" : text.slice(end + 1) };
}

function parse(line) {
  const found = LINE.exec(line)?.groups;
  return found ? { name: found.name, rest: line.slice(found.name.length), network: found.network } : null;
}

/** "Picture", "Voice message", ... for a message's media. */
export function mediaWord(media) {
  return MEDIA_WORDS[media.type] ?? "Attachment";
}

/** One line that stands for a message in a quote or an announcement, at most 140 characters. */
export function excerpt(message) {
  if (message.deleted) return "Deleted message";
  const shape = shapeWords(message);
  if (shape !== null) return shape;
  const words = body(message).replace(/\s+/gu, " ").trim();
  if (words !== "") return words.length > 140 ? `${words.slice(0, 139)}…` : words;
  return message.media ? mediaWord(message.media) : message.type.replaceAll("_", " ");
}

/** The words to show of a message, without the line that says who wrote it. */
export function body(message) {
  return SHAPES.some((shape) => message[shape]) || message.type === "unsupported" ? "" : attributed(message).body;
}

function shapeWords({ place, contacts, goods, ballot, story, post, text, type }) {
  if (place) return place.name ? `Location: ${place.name}` : "Location";
  if (contacts) return `Contact: ${contacts.map(({ name }) => name).join(", ")}`;
  if (ballot) return `Poll: ${ballot.question}`;
  if (type === "unsupported") return "Something this app alone can show";
  if (text) return null;
  if (goods) return goods.map(({ title }) => title).join(", ");
  if (story) return "Story";
  return post ? post.title || "Post" : null;
}

/** Who wrote a message, as its reader would say. */
export function author(message) {
  return message.direction === "out" ? "You" : (attributed(message).sender?.name ?? "Gearmesh");
}
