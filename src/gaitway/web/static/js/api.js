/** The page's requests. Every failure is an ApiError that says the cause and, where the server gave one, the next step. */

export class ApiError extends Error {
  constructor(status, message, hint = "") {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** What a phone needs to be pointed here: address, token, link, qr. */
export const setup = () => request("/api/page/setup");

/** Starts a simulated phone: {device_id}. */
export const simulate = () => request("/api/page/simulate", {});

/** Names a phone. */
export const rename = (id, name) => request(`/api/devices/${encodeURIComponent(id)}`, {name});

/** All phones, as the `snapshot` event has them. */
export const phones = () => request("/api/phones");

async function request(url, body) {
  const options =
    body === undefined
      ? {}
      : {method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"}};
  const answer = await fetch(url, {cache: "no-store", ...options}).catch(() => {
    throw new ApiError(0, "Gaitway did not answer", "Is it still running?");
  });
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : {};
  throw failure(answer.status, text);
}

function failure(status, text) {
  try {
    const {error, hint} = JSON.parse(text);
    return new ApiError(status, error ?? `Gaitway answered ${status}`, hint);
  } catch {
    return new ApiError(status, `Gaitway answered ${status}`);
  }
}
