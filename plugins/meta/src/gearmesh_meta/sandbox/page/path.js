/** One message's way through the broker, drawn as a line with a stop for every hop. */

import { drawing, element, unseen } from "./element.js";
import { markOf, titleOf } from "./networks.js";
import { exactTime, span } from "./times.js";

/** The stops in their order: the hop's name as the daemon says it, and what stands there. */
const STOPS = Object.freeze([
  ["received", "webhook"],
  ["stored in", "IN log"],
  ["routed", "router"],
  ["stored out", "OUT log"],
  ["taken", "egress"],
  ["sent", "Graph call"],
]);
const PLACES = new Map(STOPS.map(([name], place) => [name, place]));

/** The app of what the broker itself says to people. */
const OWN_APP = "gearmesh";

/** How a state looks: `good` arrived, `bad` will not by itself, the rest may still. */
const MOODS = Object.freeze({ sent: "good", delivered: "good", read: "good", failed: "bad", dead: "bad" });

/**
 * @param {{id: string, from: string, to: string, kind: string, state: string, reason: string|null,
 *   hops: {name: string, at: number}[]}} item `at` in microseconds since 1970
 * @param {(address: string) => string|null} handleOf the "@handle" of an address, if the page knows it
 */
export function pathRow(item, handleOf) {
  const hops = item.hops;
  const total = hops.length > 1 ? span(hops.at(-1).at - hops[0].at) : "";
  const mood = MOODS[item.state] ?? "waiting";
  return element(
    "li",
    { class: `path ${mood}`, "data-testid": "path", "data-id": item.id, "data-to": item.to, "data-state": item.state },
    endNode("from", item.from, handleOf, hops.length > 0 ? exactTime(hops[0].at) : ""),
    element("ol", { class: "track" }, ...stopNodes(hops)),
    endNode("to", item.to, handleOf, null),
    element(
      "p", { class: "outcome" },
      item.kind === "event" ? null : element("span", { class: "kind" }, item.kind),
      element("span", { class: "state" }, item.state),
      element("span", { class: "total" }, unseen("in total "), total),
    ),
    item.reason ? element("p", { class: "reason" }, item.reason) : null,
  );
}

function endNode(side, address, handleOf, stamp) {
  const app = address.split(":", 1)[0];
  // What no route was found for has an app and no user.
  const user = app === OWN_APP ? "Gearmesh" : address.slice(app.length + 1) || titleOf(app) || "nobody";
  return element(
    "p", { class: `end ${side}`, title: address },
    unseen(`${side} `), drawing(app === OWN_APP ? "gears" : markOf(app), "mark"),
    element(
      "span", { class: "end-words" },
      element("b", {}, handleOf(address) ?? user), element("small", {}, unseen(", "), stamp ?? titleOf(app)),
    ),
  );
}

/** Every hop at its stop, and the stops that were passed by, not come to, or never will be. */
function stopNodes(hops) {
  const spans = hops.map((hop, index) => (index === 0 ? null : hop.at - hops[index - 1].at));
  const slowest = Math.max(...spans.map((value) => value ?? -Infinity));
  const nodes = [];
  let place = 0;
  for (const [index, hop] of hops.entries()) {
    const stop = PLACES.get(hop.name);
    if (stop !== undefined) {
      nodes.push(...STOPS.slice(place, stop).map(() => emptyNode("skipped", "")));
      place = Math.max(place, stop + 1);
    }
    nodes.push(hopNode(hop, spans[index], hops.length > 2 && spans[index] === slowest));
  }
  return [...nodes, ...STOPS.slice(place).map(([, label]) => emptyNode("missing", label))];
}

function hopNode(hop, since, isSlowest) {
  return element(
    "li",
    { class: isSlowest ? "hop slowest" : "hop", "data-testid": "path-hop", "data-hop": hop.name,
      title: `${hop.name} at ${exactTime(hop.at)}` },
    element("span", { class: "gap" }, since === null ? "" : span(since)),
    element("span", { class: "stop" }),
    element("span", { class: "label" }, STOPS[PLACES.get(hop.name)]?.[1] ?? hop.name),
  );
}

function emptyNode(kind, label) {
  return element(
    "li", { class: `hop missing ${kind}`, "aria-hidden": "true" },
    element("span", { class: "gap" }), element("span", { class: "stop" }), element("span", { class: "label" }, label),
  );
}
