/** What people type, as nodes: WhatsApp's marks become formatting there, addresses become links everywhere. */

import { element } from "./element.js";

const ADDRESS = /https?:\/\/[^\s<>"“”]+[^\s<>"“”.,;:!?'’)\]]/gu;

/** WhatsApp's marks: on one line, with nothing of a word on their outer and no space on their inner side. */
const MARKS = Object.freeze([
  { tag: "code", pattern: /```(?<inner>[^`](?:[\s\S]*?[^`])??)```/u, inside: false },
  { tag: "code", pattern: /(?<![\w`])`(?<inner>[^`\n]+)`(?![\w`])/u, inside: false },
  { tag: "strong", pattern: mark("\\*"), inside: true },
  { tag: "em", pattern: mark("_"), inside: true },
  { tag: "s", pattern: mark("~"), inside: true },
]);

function mark(sign) {
  const word = `[\\p{L}\\p{N}${sign}]`;
  const inner = `[^\\s${sign}](?:[^\\n${sign}]*[^\\s${sign}])?`;
  return new RegExp(`(?<!${word})${sign}(?<inner>${inner})${sign}(?!${word})`, "u");
}

/** The nodes of a text. A leading "@handle" is set apart where somebody typed it: it decides where the text goes. */
export function textNodes(text, network, typed) {
  const handle = typed ? /^@[^\s@]+(?=\s)/u.exec(text)?.[0] : undefined;
  const rest = handle ? text.slice(handle.length) : text;
  const nodes = network === "whatsapp" ? blocks(rest) : linked(rest);
  return handle ? [element("b", { class: "mention" }, handle), ...nodes] : nodes;
}

/** Lines that begin with "> " are a quotation on WhatsApp; everything else is formatted within its line. */
function blocks(text) {
  const nodes = [];
  let quoted = [];
  let plain = [];
  const flush = () => {
    if (quoted.length > 0) nodes.push(element("blockquote", {}, ...formatted(quoted.join("\n"))));
    if (plain.length > 0) nodes.push(...formatted(plain.join("\n")));
    quoted = [];
    plain = [];
  };
  for (const line of text.split("\n")) {
    const isQuote = line.startsWith("> ");
    if (isQuote ? plain.length > 0 : quoted.length > 0) flush();
    if (isQuote) quoted.push(line.slice(2));
    else plain.push(line);
  }
  flush();
  return nodes;
}

function formatted(text) {
  const found = MARKS.map((one) => ({ ...one, match: one.pattern.exec(text) })).filter(({ match }) => match !== null);
  if (found.length === 0) return linked(text);
  const first = found.reduce((best, one) => (one.match.index < best.match.index ? one : best));
  const { index, groups } = first.match;
  const inner = first.inside ? formatted(groups.inner) : [groups.inner];
  const after = text.slice(index + first.match[0].length);
  return [...linked(text.slice(0, index)), element(first.tag, {}, ...inner), ...(after === "" ? [] : formatted(after))];
}

function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const [href] = match;
    const link = element("a", { href, rel: "noopener noreferrer", target: "_blank" }, href);
    nodes.push(text.slice(end, match.index), link);
    end = match.index + href.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}
