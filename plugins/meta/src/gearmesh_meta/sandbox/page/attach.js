/** What can be attached on each messenger, and what it takes to make a message of it. */

import { drawing, element } from "./element.js";
import { mediaOf, sample } from "./files.js";
import { menuItem } from "./popup.js";
import { ask } from "./sheet.js";

const ALL = Object.freeze(["whatsapp", "messenger", "instagram"]);
const GOODS = Object.freeze({
  bike: {
    title: "Bicycle, as good as new", price: "120.00 EUR", text: "Three gears, new tyres", id: "7701",
    retailer_id: "bike-3",
  },
  lamp: { title: "Lamp with a linen shade", price: "30.50 EUR", text: "45 cm", id: "7702", retailer_id: "lamp-1" },
});
const PAGE = Object.freeze(["messenger", "instagram"]);
const ASK = "Ask about a listing";
const COME = "Come from an advertisement";
const ANSWER = "Answer a story";
const GOODS_FIELD = Object.freeze({
  name: "goods", label: "What", choices: Object.entries(GOODS).map(([value, { title }]) => ({ value, words: title })),
});
const QUANTITY = Object.freeze({ name: "quantity", label: "How many", type: "number", value: "1", required: true });
const WORDS = Object.freeze({ name: "text", label: "Your words", value: "What a view!", required: true });
const STILL_THERE = Object.freeze({ ...WORDS, value: "Is it still there?" });
const CATALOGUE = "194836987003835";
const STICKERS = Object.freeze([
  { file: "smile.webp", words: "A smiling gear" },
  { file: "heart.webp", words: "A heart" },
  { file: "turning.webp", words: "A turning gear that winks" },
]);

/**
 * The lines of the attach menu.
 * @param {string} network
 * @param {{file: (accept: string, once: boolean) => void, voice: () => void, stickers: () => void,
 *   send: (body: object) => void, problem: (error: Error) => void}} composer
 */
export function attachItems(network, composer) {
  const form = (questions, make) => async () => {
    const values = await ask(questions);
    if (values !== null) composer.send(make(values));
  };
  const lines = [
    [ALL, "picture", "Picture or video", () => composer.file("image/*,video/*", false)],
    [ALL, "file", "File", () => composer.file("", false)],
    [ALL, "microphone", "Voice note", composer.voice],
    [ALL, "smiley", "Sticker", composer.stickers, true],
    [ALL, "gif", "GIF", () => withSample(composer, "turning.gif", "image/gif", "gif")],
    [["whatsapp", "instagram"], "once", "Picture to be seen once", () => composer.file("image/*,video/*", true)],
    [["whatsapp", "messenger"], "pin", "Location", form(PLACE, place)],
    [["whatsapp"], "person", "Contact", form(CONTACT, contact)],
    [["whatsapp"], "bars", "Poll", form(POLL, poll)],
    [["whatsapp"], "tag", ASK, form({ title: ASK, send: "Send", fields: [GOODS_FIELD, STILL_THERE] }, about)],
    [["whatsapp"], "basket", "Order", form({ title: "Order", send: "Order", fields: [GOODS_FIELD, QUANTITY] }, order)],
    [PAGE, "tag", "Listing", form({ title: "Listing", send: "Send", fields: [GOODS_FIELD] }, listing)],
    [PAGE, "post", COME, form({ title: COME, send: "Send", fields: [STILL_THERE] }, advertised)],
    [["instagram"], "story", "Mention in a story", () => composer.send({ story: mention() })],
    [["instagram"], "story", ANSWER, form({ title: ANSWER, send: "Send", fields: [WORDS] }, answered)],
    [["instagram"], "heart", "Heart", () => composer.send({ heart: true })],
  ];
  return lines.filter(([networks]) => networks.includes(network)).map(([, symbol, title, run, leads]) => {
    const testid = `attach-${title.toLowerCase().replaceAll(" ", "-")}`;
    return menuItem(drawing(symbol), title, run, testid, leads);
  });
}

/** The stickers that come with the page. */
export function stickerButtons(composer) {
  const buttons = STICKERS.map(({ file, words: label }) => element(
    "button",
    { class: "sticker-choice", type: "button", role: "menuitem", "aria-label": label, title: label,
      "data-testid": "sticker", onclick: () => withSample(composer, file, "image/webp", "sticker") },
    element("img", { src: `/page/samples/${file}`, alt: "" }),
  ));
  return [element("div", { class: "stickers" }, ...buttons)];
}

/** The voice note that comes with the page, as the messenger would have recorded it. */
export function sampleVoice(network) {
  return network === "whatsapp" ? sample("voice.ogg", "audio/ogg; codecs=opus") : sample("voice.m4a", "audio/mp4");
}

async function withSample(composer, name, mime, type) {
  try {
    composer.send({ media: await mediaOf(await sample(name, mime), type) });
  } catch (error) {
    composer.problem(error);
  }
}

const PLACE = {
  title: "Location", send: "Send",
  fields: [
    { name: "name", label: "Name", value: "Boathouse at the lake" },
    { name: "address", label: "Address", value: "Uferweg 3" },
    { name: "latitude", label: "Latitude", type: "number", value: "47.65881", required: true },
    { name: "longitude", label: "Longitude", type: "number", value: "9.17502", required: true },
  ],
};
const CONTACT = {
  title: "Contact", send: "Send",
  fields: [
    { name: "name", label: "Name", value: "Emma Brandt", required: true },
    { name: "phone", label: "Phone", type: "tel", value: "+49 151 5550123" },
    { name: "email", label: "Mail", type: "email", value: "emma@example.org" },
  ],
};
const POLL = {
  title: "Poll", send: "Send",
  fields: [
    { name: "question", label: "Question", value: "When do we leave?", required: true },
    { name: "first", label: "First option", value: "Saturday", required: true },
    { name: "second", label: "Second option", value: "Sunday", required: true },
    { name: "third", label: "Third option", value: "" },
    { name: "several", label: "More than one may be chosen", type: "checkbox" },
  ],
};

function mention() {
  return { kind: "mention", url: here("lake.jpg") };
}

function place({ name, address, latitude, longitude }) {
  return { place: { latitude: Number(latitude), longitude: Number(longitude), name, address } };
}

function contact({ name, phone, email }) {
  const lines = [
    "BEGIN:VCARD", "VERSION:3.0", `FN:${name}`, ...(phone ? [`TEL;TYPE=CELL:${phone}`] : []),
    ...(email ? [`EMAIL:${email}`] : []), "END:VCARD",
  ];
  const vcard = lines.join("\r\n");
  return { contacts: [{ name, phones: phone ? [phone] : [], emails: email ? [email] : [], vcard }] };
}

function poll({ question, first, second, third, several }) {
  return { ballot: { question, options: [first, second, third].filter(Boolean), several: several === "yes" } };
}

function goodsOf(name) {
  return { ...GOODS[name], picture: here(`${name}.jpg`), catalog_id: CATALOGUE };
}

function about({ goods, text }) {
  return { goods: [goodsOf(goods)], text };
}

function order({ goods, quantity }) {
  return { order: [{ ...goodsOf(goods), quantity: Math.max(1, Math.round(Number(quantity))) }] };
}

function listing({ goods }) {
  return { goods: [goodsOf(goods)] };
}

function advertised({ text }) {
  const { title, text: more, id } = GOODS.bike;
  return { text, advertisement: { title, text: more, picture: here("bike.jpg"), id, ref: "spring" } };
}

function answered({ text }) {
  return { text, story: { kind: "reply", url: here("lake.jpg"), id: "17861937508009798" } };
}

function here(file) {
  return new URL(`/page/samples/${file}`, document.baseURI).href;
}
