import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { isLighterError, LighterError } from "#base";
import { Authorizer } from "./auth/authorizer.ts";
import { type Credentials, findCredentials } from "./auth/credentials.ts";
import { type Endpoint, endpointsOf } from "./endpoint.ts";
import { drain, headerOf } from "./http/body.ts";
import { isCertificateFailure, isHopeless, isNoTls, isUnreachable } from "./http/failure.ts";
import { parseRetryAfter, pause, pauseMs } from "./http/retry-after.ts";
import type { Outgoing, Transport } from "./http/transport.ts";
import { openTransport } from "./open-transport.ts";
import type { RegistryOptions } from "./options.ts";
import { answerError, lineError, Temporary } from "./registry-error.ts";

/** One request to a registry, whatever the address it is reached under. */
export interface Call {
  /** A verb and its object, for the error: `pull "nginx:latest"`. */
  readonly purpose: string;
  readonly registry: string;
  readonly access: "pull" | "push";
  readonly method: Outgoing["method"];
  /** Below `/v2/`, or the whole address of an upload that is under way. */
  readonly path: string | URL;
  /** What a token has to allow: `repository:library/nginx:pull`. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Made anew for each attempt. */
  readonly body?: () => Uint8Array | Readable;
  /** Statuses that the caller understands. */
  readonly accept: readonly number[];
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly response: IncomingMessage;
  /** Where it came from, redirects followed. */
  readonly url: URL;
  readonly endpoint: Endpoint;
}

const redirectLimit = 5;
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Talks with registries: finds the address, shows who asks, follows redirects, tries again. */
export class Session implements Disposable {
  readonly #options: RegistryOptions;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  /** Endpoints that answered, by registry and access. */
  readonly #working = new Map<string, Endpoint>();
  readonly #answered = new Set<string>();

  constructor(options: RegistryOptions, credentials?: Credentials) {
    this.#options = options;
    this.#transport = openTransport(options);
    this.#authorizer = new Authorizer({
      send: (outgoing) => this.#transport.send(outgoing),
      findCredentials: async (registry) =>
        credentials ??
        (await findCredentials({ host: options.host, directory: options.dockerConfigDirectory }, registry)),
    });
  }

  get retries(): number {
    return this.#options.retries ?? 5;
  }

  /** @throws REGISTRY_UNREACHABLE, REGISTRY_FAILED, REGISTRY_DENIED, MANIFEST_NOT_FOUND, CANCELLED */
  async request(call: Call): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.requestOnce(call);
      } catch (error) {
        await this.beforeRetry(call, attempt, error);
      }
    }
  }

  /** Waits as long as it takes before a further attempt, or throws what is final. `attempt` counts those without progress. */
  async beforeRetry(call: Call, attempt: number, error: unknown): Promise<void> {
    if (isLighterError(error)) throw error;
    // At first another request may have brought the authorities while this one was under way.
    if (isCertificateFailure(error) && (this.#transport.trustMore() || attempt === 0)) return;
    const isLost = isHopeless(error) && !this.#answered.has(call.registry);
    const wishMs = error instanceof Temporary ? error.retryAfterMs : undefined;
    const waitMs = pauseMs(attempt, this.#options.backoffMs ?? 250, wishMs);
    if (attempt >= this.retries || isLost || isCertificateFailure(error) || waitMs === undefined)
      throw lineError(call.purpose, call.registry, error);
    await pause(waitMs, call.signal);
  }

  /** One attempt, over the addresses of the registry. Throws what went wrong as it is. */
  async requestOnce(call: Call): Promise<Answer> {
    const key = `${call.access} ${call.registry}`;
    const known = this.#working.get(key);
    const endpoints = endpointsOf(call.registry, this.#options, call.access);
    const order =
      known === undefined ? endpoints : [known, ...endpoints.filter((other) => !isSame(other, known))];
    let failure: unknown;
    for (const endpoint of order) {
      const isLast = endpoint === order.at(-1);
      try {
        const answer = await this.#ask(call, endpoint);
        const { statusCode = 0 } = answer.response;
        this.#answered.add(call.registry);
        if (call.accept.includes(statusCode) && !(endpoint.isMirror && statusCode === 404)) {
          if (!endpoint.isMirror) this.#working.set(key, endpoint);
          return answer;
        }
        failure = await this.#failureOf(call, answer);
        // Only a mirror's refusal leaves the question open.
        if (!endpoint.isMirror) throw failure;
      } catch (error) {
        failure = error;
        if (isLighterError(error, "CANCELLED") || isLast || this.#isSettled(call, endpoint, error))
          throw error;
      }
    }
    throw failure;
  }

  /** Whether the next address cannot do better: only a host that speaks no TLS is asked again without it. */
  #isSettled(call: Call, endpoint: Endpoint, error: unknown): boolean {
    if (endpoint.isMirror) return false;
    const known = this.#working.get(`${call.access} ${call.registry}`);
    return (known !== undefined && isSame(known, endpoint)) || !(isNoTls(error) || isUnreachable(error));
  }

  async #failureOf(call: Call, { response }: Answer): Promise<Error> {
    const { statusCode = 0 } = response;
    if (!passing.has(statusCode)) return await answerError(call.purpose, call.registry, response);
    await drain(response);
    const wishMs = parseRetryAfter(headerOf(response, "retry-after"), Date.now());
    const wish = wishMs === undefined ? "" : ` and asks to wait ${Math.ceil(wishMs / 1000)} s`;
    return new Temporary(`it answers ${statusCode}${wish}`, wishMs);
  }

  async #ask(call: Call, endpoint: Endpoint): Promise<Answer> {
    const url = typeof call.path === "string" ? new URL(call.path, endpoint.url) : call.path;
    const { scopes, signal } = call;
    const access = {
      registry: endpoint.host,
      url: endpoint.url,
      verify: endpoint.verify,
      scopes,
      ...(signal && { signal }),
    };
    for (let round = 0; ; round += 1) {
      const header = await this.#authorizer.findHeader(access);
      const answer = await this.#follow(call, endpoint, { url, authorization: header });
      const { response } = answer;
      // A token that was fetched for this very request and is refused will be refused again.
      const isFinal = header !== undefined && round > 0;
      if (response.statusCode !== 401 || answer.url.host !== url.host || isFinal) return answer;
      if (!(await this.#authorizer.learn(access, headerOf(response, "www-authenticate"), header)))
        return answer;
      await drain(response);
    }
  }

  /** Follows redirects of what is read. The authorization stays with the host it was made for. */
  async #follow(
    call: Call,
    endpoint: Endpoint,
    first: { readonly url: URL; readonly authorization: string | undefined },
  ): Promise<Answer> {
    let url = first.url;
    for (let redirects = 0; ; redirects += 1) {
      const isOwn = url.host === endpoint.url.host;
      const body = call.body?.();
      const response = await this.#transport.send({
        url,
        method: call.method,
        verify: endpoint.verify,
        headers: {
          ...call.headers,
          ...(isOwn && first.authorization !== undefined && { Authorization: first.authorization }),
        },
        ...(body !== undefined && { body }),
        ...(call.signal && { signal: call.signal }),
      });
      const { location } = response.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0);
      const isReading = call.method === "GET" || call.method === "HEAD";
      if (!isRedirect || location === undefined || !isReading) return { response, url, endpoint };
      await drain(response);
      url = this.#redirected(call, { from: url, to: location, redirects });
    }
  }

  #redirected(
    call: Call,
    step: { readonly from: URL; readonly to: string; readonly redirects: number },
  ): URL {
    const next = URL.canParse(step.to, step.from.href) ? new URL(step.to, step.from) : undefined;
    const isSafe =
      next?.protocol === "https:" || (next?.protocol === "http:" && step.from.protocol === "http:");
    if (next !== undefined && isSafe && step.redirects < redirectLimit) return next;
    const why =
      next === undefined || isSafe
        ? "redirects without end"
        : `redirects to "${next.protocol}", which is not safe`;
    throw new LighterError(
      "REGISTRY_FAILED",
      `cannot ${call.purpose}: registry "${call.registry}" ${why}; ask who runs it`,
    );
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.url.href === b.url.href;
}
