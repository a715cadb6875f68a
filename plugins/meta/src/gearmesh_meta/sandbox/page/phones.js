/** Puts the page together: three phones, the path of their messages, and the news that keep both alive. */

import { listPhones } from "./api.js";
import { Announcer } from "./announcer.js";
import { atHandle, keyOf, NETWORKS } from "./networks.js";
import { NewPhone } from "./newphone.js";
import { Paths } from "./paths.js";
import { PhoneView } from "./phone.js";
import { Stream } from "./stream.js";
import { Tabs } from "./tabs.js";

const TITLE = document.title;
const TYPED_INTO = "input, textarea, select";
const byId = (id) => document.getElementById(id);

const announcer = new Announcer(byId("announcer"));
const phones = new Map(); // key -> phone, in the order the server lists them
const unread = new Map();
const views = new Map(
  NETWORKS.map((network) => [
    network.id,
    new PhoneView(network, {
      announce: (sentence) => announcer.say(sentence),
      unread: (count) => showUnread(network.id, count),
      lookedAt: () => tabs.isFocused(network.id),
    }),
  ]),
);
byId("phones").append(...[...views.values()].map((view) => view.node));
const tabs = new Tabs(byId("tabs"), new Map([...views].map(([id, view]) => [id, view.node])));

const lost = new Set(); // the streams that are away
function connection(name, isLost) {
  if (isLost) lost.add(name);
  else lost.delete(name);
  const node = document.querySelector(".connection");
  const state = lost.size > 0 ? "lost" : "live";
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  node.textContent = state === "lost" ? "connection lost, trying again" : "live";
}

const paths = new Paths(
  { list: byId("path-list"), note: byId("paths-note") },
  handleOf,
  { live: () => connection("paths", false), lost: () => connection("paths", true) },
);

const events = new Stream("/sandbox/events", {
  opened: async () => {
    await reload();
    connection("events", false);
    paths.open();
  },
  arrived: take,
  lost: () => connection("events", true),
});

const newPhone = new NewPhone(byId("new-phone"), async (phone) => {
  addPhone(phone);
  tabs.choose(phone.network);
  const view = views.get(phone.network);
  await view?.pick(phone);
  view?.focus();
});

async function reload() {
  const list = await listPhones();
  phones.clear();
  for (const { typing_until: _, ...phone } of list) phones.set(keyOf(phone), phone);
  showPeople();
  for (const phone of list) views.get(phone.network)?.typing(phone, "typing_until" in phone, phone.typing_until);
  await Promise.all([...views.values()].map((view) => view.reload()));
}

/** One event of the sandbox. */
function take(event) {
  if (event.message) views.get(event.phone.network)?.arrived(event.phone, event.message);
  else if (event.typing) views.get(event.typing.network)?.typing(event.typing, event.typing.on);
  else if (event.phone_added) addPhone(event.phone_added);
  else if (event.phone_changed) reload().catch((error) => console.warn("The phones stay as they were.", error));
}

function addPhone(phone) {
  phones.set(keyOf(phone), phone);
  showPeople();
}

function showPeople() {
  const everybody = [...phones.values()];
  for (const view of views.values()) view.people(everybody);
  paths.redraw();
}

/** "@ada" for "whatsapp:4915112345678"; a person who hides the number is known by the network's own id. */
function handleOf(address) {
  for (const phone of phones.values()) {
    if (address === keyOf(phone) || address === `${phone.network}:${phone.bsuid}`) return atHandle(phone.handle);
  }
  return null;
}

function showUnread(network, count) {
  unread.set(network, count);
  tabs.unread(network, count);
  const total = [...unread.values()].reduce((sum, one) => sum + one, 0);
  document.title = total > 0 ? `(${total}) ${TITLE}` : TITLE;
}

function goTo(network) {
  tabs.choose(network);
  views.get(network).focus();
}

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const number = /^Digit([1-3])$/.exec(event.code)?.[1];
  if (event.altKey && !event.ctrlKey && !event.metaKey && number) {
    event.preventDefault();
    goTo(NETWORKS[number - 1].id);
  } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest(TYPED_INTO)) {
    event.preventDefault();
    goTo(event.target.closest("[data-network]")?.dataset.network ?? tabs.chosen);
  }
});
document.addEventListener("focusin", (event) => {
  const network = event.target.closest("[data-network]")?.dataset.network;
  if (network) tabs.choose(network);
  for (const view of views.values()) view.readIfLookedAt(); // a tab may have got the focus
});
document.addEventListener("visibilitychange", () => {
  // A browser allows a server six connections: tabs nobody looks at must not take two of them each.
  if (document.hidden) paths.close();
  else paths.open();
  for (const view of views.values()) view.readIfLookedAt();
});
for (const kind of ["dragover", "drop"]) {
  // A file that misses the phones would take the place of the page.
  document.addEventListener(kind, (event) => event.preventDefault());
}
byId("add-phone").addEventListener("click", () => newPhone.open());
events.open();
