/** The requests of the page: the sandbox's control API and the daemon's list of paths. */

/** A request that did not succeed. `status` is 0 when no answer came; the message says what to do. */
export class RequestFailed extends Error {
  constructor(status, message) {
    super(message);
    this.name = "RequestFailed";
    this.status = status;
  }
}

const PATIENCE = 20_000; // ms; adding a phone waits for its first webhook, which may take the daemon 10 s

async function request(path, method = "GET", body = null) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === null ? {} : { "Content-Type": "application/json" },
      body: body === null ? null : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    throw new RequestFailed(0, `No answer from the server (${error.message}). Is it running?`);
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text === "" ? null : JSON.parse(text);
  } catch (error) {
    if (response.ok) throw new RequestFailed(response.status, `${path} answered what is not JSON: ${error.message}`);
  }
  if (!response.ok) {
    const reason = typeof answer?.error === "string" ? answer.error : `${path} answered ${response.status}.`;
    throw new RequestFailed(response.status, reason);
  }
  return answer;
}

function phonePath({ network, user }) {
  return `/sandbox/phones/${encodeURIComponent(network)}/${encodeURIComponent(user)}`;
}

/** All phones: `[{network, user, handle, name, ...}]`. */
export function listPhones() {
  return request("/sandbox/phones");
}

/** Adds a phone and returns it; 409 when the handle is taken on that network. */
export function addPhone({ network, handle, name }) {
  return request("/sandbox/phones", "POST", name ? { network, handle, name } : { network, handle });
}

/** The last messages of a phone, oldest first. */
export function listMessages(phone, limit) {
  return request(`${phonePath(phone)}/messages?limit=${limit}`);
}

/** Sends something from a phone, as the control API names it; returns the message as the phone keeps it. */
export function sendMessage(phone, body) {
  return request(`${phonePath(phone)}/messages`, "POST", body);
}

/** Does something to a message that stands there: "edit", "unsend", "forward", "tap" or "play". */
export function changeMessage(phone, what, id, more = {}) {
  return request(`${phonePath(phone)}/${what}`, "POST", { message_id: id, ...more });
}

/** Puts a reaction on a message, or takes it off without an emoji. */
export function react(phone, id, emoji) {
  return request(`${phonePath(phone)}/messages`, "POST", { reaction: { message_id: id, emoji } });
}

/** Marks everything that arrived on a phone as read. */
export function readMessages(phone) {
  return request(`${phonePath(phone)}/read`, "POST", {});
}

/**
 * The last messages' ways, newest last; null where no daemon shares the address. The sandbox alone takes /paths for an
 * object of the Graph API, as it does every path it does not know, and answers 401 because no token came along.
 */
export async function listPaths() {
  try {
    return await request("/paths");
  } catch (error) {
    if (error instanceof RequestFailed && [401, 404].includes(error.status)) return null;
    throw error;
  }
}
