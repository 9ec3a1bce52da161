import type { Agent, IncomingMessage, RequestOptions } from "node:http";
import { LighterError } from "#base";

/** How requests are made. */
export interface HttpOptions {
  /** `http://host:port` of a proxy for http addresses. */
  readonly proxy?: string;
  /** Connections at once to one host. @defaultValue 12 */
  readonly maxConnections?: number;
  /** Without a byte for this long, a connection counts as broken. @defaultValue 20 s */
  readonly stallTimeoutMs?: number;
  /** Further attempts after the first. @defaultValue 4 */
  readonly retries?: number;
  /** Pause before the first further attempt; doubles each time. @defaultValue 300 ms */
  readonly backoffMs?: number;
}

const redirectLimit = 5;

type Protocol = "http:" | "https:";

/** A small HTTP client over kept-alive connections. Disposing closes them. Node's own is loaded for the first request only. */
export class HttpClient implements Disposable {
  readonly #agents = new Map<Protocol, Agent>();
  readonly #options: Required<Omit<HttpOptions, "proxy">> & Pick<HttpOptions, "proxy">;

  constructor(options: HttpOptions = {}) {
    this.#options = { maxConnections: 12, stallTimeoutMs: 20_000, retries: 4, backoffMs: 300, ...options };
  }

  /**
   * Requests `url` and hands the answer, whatever its status below 500, to `consume`. An attempt that breaks, in the
   * request or in `consume`, is made again after a pause, unless it failed with an error that is final.
   * @throws MIRROR_UNREACHABLE after the last attempt, CANCELLED, and what `consume` throws as final
   */
  async get<T>(
    url: string,
    consume: (response: IncomingMessage) => Promise<T>,
    options: {
      readonly headers?: () => Readonly<Record<string, string>>;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(url, consume, options);
      } catch (error) {
        if (options.signal?.aborted)
          throw new LighterError("CANCELLED", `cannot download "${url}": cancelled`);
        if (error instanceof LighterError) throw error;
        if (attempt >= this.#options.retries) throw unreachable(url, error);
        await pause(this.#options.backoffMs * 2 ** attempt, options.signal);
      }
    }
  }

  async #attempt<T>(
    url: string,
    consume: (response: IncomingMessage) => Promise<T>,
    options: { readonly headers?: () => Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<T> {
    if (!URL.canParse(url)) throw noAddress(url);
    let target = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#request(target, options.headers?.() ?? {}, options.signal);
      const { statusCode = 0 } = response;
      const { location } = response.headers;
      if (statusCode >= 300 && statusCode < 400 && statusCode !== 304 && location !== undefined) {
        response.resume();
        if (redirects >= redirectLimit) throw new Error("it redirects without end");
        target = new URL(location, target);
        continue;
      }
      if (statusCode >= 500 || statusCode === 429 || statusCode === 408) {
        response.resume();
        throw new Error(`the mirror answers ${statusCode}`);
      }
      try {
        return await consume(response);
      } finally {
        if (!response.readableEnded) response.destroy();
      }
    }
  }

  async #request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const { protocol } = url;
    if (protocol !== "https:" && protocol !== "http:") throw noAddress(url.href);
    const { request, Agent: Agents } = await (protocol === "https:"
      ? import("node:https")
      : import("node:http"));
    const maxSockets = this.#options.maxConnections;
    const agent = this.#agents.get(protocol) ?? new Agents({ keepAlive: true, maxSockets });
    this.#agents.set(protocol, agent);
    const options = { headers: { "User-Agent": "lighter", ...headers }, agent, ...(signal && { signal }) };
    return await new Promise((resolve, reject) => {
      const outgoing =
        protocol === "https:"
          ? request(url, options)
          : request({ ...options, ...this.#route(url, options.headers) });
      // Whoever is reading must get the reason, and that is the answer as soon as there is one.
      let reader: { destroy(error: Error): unknown } = outgoing;
      outgoing.setTimeout(this.#options.stallTimeoutMs, () =>
        reader.destroy(new Error(`no byte came for ${this.#options.stallTimeoutMs / 1000} s`)),
      );
      outgoing.once("error", reject);
      outgoing.once("response", (response) => {
        reader = response;
        resolve(response);
      });
      outgoing.end();
    });
  }

  /** To the host itself, or to the proxy with the whole address as path. */
  #route(url: URL, headers: Readonly<Record<string, string>>): RequestOptions {
    const { proxy } = this.#options;
    const via = proxy === undefined ? url : new URL(proxy);
    return {
      host: via.hostname.replace(/^\[|\]$/g, ""),
      port: via.port === "" ? 80 : via.port,
      path: proxy === undefined ? url.pathname + url.search : url.href,
      headers: { ...headers, Host: url.host },
    };
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }
}

function noAddress(url: string): LighterError {
  return new LighterError("ARGUMENT_INVALID", `cannot download "${url}": want an http or https address`);
}

function unreachable(url: string, cause: unknown): LighterError {
  const why = cause instanceof Error ? describe(cause) : String(cause);
  return new LighterError(
    "MIRROR_UNREACHABLE",
    `cannot download "${url}": ${why}; check the network or name another mirror`,
    { cause, details: { url } },
  );
}

function describe(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  switch (code) {
    case "ECONNREFUSED":
      return "the mirror refuses connections";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the mirror's name cannot be resolved";
    case "ECONNRESET":
      return "the mirror cut the connection";
    default:
      return error.message;
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
