/* What the editor asks the server, by the same API that scripts use; the session cookie says who asks. */

const PATIENCE_MS = 15000;

/** The server said no, and why: `word` is the problem's type, `problem` the whole document. */
export class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail || problem.title || `The server answered with status ${status}.`);
    this.problem = problem;
    this.status = status;
    this.word = String(problem.type ?? "").split("/").at(-1);
  }
}

/** The server was not reached, or could not answer now: asking again may help. */
export class Unreached extends Error {}

const path = (...parts) => "/api/v1/" + parts.map(encodeURIComponent).join("/");

async function ask(fetcher, method, address, { body, headers = {}, keepalive = false } = {}) {
  const sent = body === undefined ? {} : { "content-type": "application/json" };
  let answer;
  try {
    answer = await fetcher(address, {
      method, keepalive, credentials: "same-origin", headers: { ...sent, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: keepalive ? undefined : AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (failure) {
    throw new Unreached("The server does not answer. Check the connection.", { cause: failure });
  }
  if (answer.ok) return answer.status === 204 ? null : { ...(await answer.json()), etag: answer.headers.get("etag") ?? undefined };
  const problem = await answer.json().catch(() => ({}));
  if (answer.status >= 500 || answer.status === 429) throw new Unreached(problem.detail ?? "The server cannot answer now.");
  throw new Refused(problem, answer.status);
}

/** The calls of the editor for one dataset. Each raises `Refused` or `Unreached`. */
export function labelApi(datasetId, fetcher = (...request) => fetch(...request)) {
  const dataset = ["training", "datasets", datasetId];
  const sample = (id, ...more) => path(...dataset, "samples", id, ...more);
  const tokenOf = (token) => (token ? { "Lease-Token": token } : {});
  return {
    sample: (id) => ask(fetcher, "GET", sample(id)),
    first: (query) => ask(fetcher, "GET", `${path(...dataset, "samples")}?${new URLSearchParams({ ...query, sort: "created_at", limit: "1" })}`),
    neighbours: (id, query, limit) => ask(fetcher, "GET", `${sample(id, "neighbours")}?${new URLSearchParams({ ...query, limit })}`),
    next: (body) => ask(fetcher, "POST", path(...dataset, "next-sample"), { body }),
    lease: (id, body) => ask(fetcher, "POST", sample(id, "lease"), { body }),
    release: (id, token) => ask(fetcher, "DELETE", sample(id, "lease"), { headers: tokenOf(token), keepalive: true }),
    save: (id, value, { etag, token }) =>
      ask(fetcher, "PUT", sample(id), { body: value ?? {}, headers: { ...tokenOf(token), ...(etag ? { "If-Match": etag } : {}) } }),
    rejection: async (id) => (await ask(fetcher, "GET", `${path(...dataset, "reviews")}?${new URLSearchParams({ sample_id: id, decision: "rejected", limit: "1" })}`)).items[0],
    accept: (id, value, { etag }) => ask(fetcher, "POST", sample(id, "verify"), { body: { fix: value }, headers: etag ? { "If-Match": etag } : {} }),
    riskiest: (limit) => ask(fetcher, "GET", `${path(...dataset, "review-queue")}?${new URLSearchParams({ limit })}`),
    preference: (name) => ask(fetcher, "GET", path("me", "preferences", name)),
    setPreference: (name, value) => ask(fetcher, "PUT", path("me", "preferences", name), { body: { value } }),
  };
}

/** The same calls for somebody who reviews: saving accepts the label as it stands then, and the next is the riskiest that waits. */
export function reviewApi(api) {
  return {
    ...api,
    save: api.accept,
    next: async ({ after }) => {
      const { items } = await api.riskiest(2);
      const sample = items.map((item) => item.sample).find(({ id }) => id !== after) ?? null;
      return { sample, lease: null };
    },
  };
}
