import { Agent, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream";
import { connect as connectTls } from "node:tls";
import { LighterError } from "#base";
import { splitHost } from "./address.ts";
import type { Certificates } from "./certificates.ts";
import { ConnectTimeout, StallTimeout } from "./failure.ts";
import { findProxy, openTunnel, proxyHeaders } from "./proxy.ts";

export interface TransportOptions {
  readonly proxyEnv: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly maxConnections: number;
  /** With `isWide`, with all authorities that the system trusts: reading those takes long. */
  certificatesFor(host: string, isWide: boolean): Certificates;
}

export interface Outgoing {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array | Readable;
  /** False: any certificate will do. */
  readonly verify: boolean;
  readonly signal?: AbortSignal;
}

/** HTTP/1.1 over kept-alive connections, through proxies where the environment says so. One attempt a call. */
export class Transport implements Disposable {
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  #isWide = false;
  readonly #secureAgents = new Map<string, SecureAgent>();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.maxConnections });
  }

  /**
   * Trusts what the system trusts, from now on: Node brings authorities of its own, which are there at once and enough for
   * public registries. @returns false when it did so already
   */
  trustMore(): boolean {
    const isNew = !this.#isWide;
    this.#isWide = true;
    return isNew;
  }

  /** Resolves with the answer when its head is there; the caller reads or destroys the body. */
  send(outgoing: Outgoing): Promise<IncomingMessage> {
    const { url, signal } = outgoing;
    if (signal?.aborted) return Promise.reject(cancelled(url));
    return new Promise((resolve, reject) => {
      const isSecure = url.protocol === "https:";
      const options = this.#requestOptions(outgoing);
      const sent = isSecure ? requestHttps(options) : requestHttp(options);
      // Whoever is reading must get the reason, and that is the answer as soon as there is one.
      let reader: { destroy(error: Error): unknown } = sent;
      const abort = () => reader.destroy(cancelled(url));
      signal?.addEventListener("abort", abort, { once: true });
      const timer = setTimeout(
        () => sent.destroy(new ConnectTimeout(this.#options.connectTimeoutMs)),
        this.#options.connectTimeoutMs,
      );
      const connected = () => {
        clearTimeout(timer);
        sent.setTimeout(this.#options.stallTimeoutMs, () =>
          reader.destroy(new StallTimeout(this.#options.stallTimeoutMs)),
        );
      };
      sent.once("socket", (socket) => {
        if (sent.reusedSocket || !socket.connecting) connected();
        else socket.once(isSecure ? "secureConnect" : "connect", connected);
      });
      sent.once("error", reject);
      sent.once("response", (response) => {
        connected();
        reader = response;
        // A body nobody reads yet must not end the process when its connection breaks.
        response.on("error", () => undefined);
        resolve(response);
      });
      sent.once("close", () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      });
      sendBody(sent, outgoing.body);
    });
  }

  #requestOptions({ url, method, headers, verify }: Outgoing): RequestOptions {
    const base = { method, headers: { "User-Agent": "lighter", ...headers, Host: url.host } };
    const path = `${url.pathname}${url.search}`;
    const { name, port } = splitHost(url.host);
    if (url.protocol === "https:")
      return { ...base, host: name, port: port ?? 443, path, agent: this.#secureAgent(url, verify) };
    const proxy = findProxy(url, this.#options.proxyEnv);
    if (proxy === undefined) return { ...base, host: name, port: port ?? 80, path, agent: this.#agent };
    const via = splitHost(proxy.host);
    return {
      ...base,
      headers: { ...base.headers, ...proxyHeaders(proxy) },
      host: via.name,
      port: via.port ?? 80,
      path: url.href,
      agent: this.#agent,
    };
  }

  #secureAgent(url: URL, verify: boolean): SecureAgent {
    const key = `${url.host} ${verify} ${this.#isWide}`;
    const known = this.#secureAgents.get(key);
    if (known !== undefined) return known;
    const { ca, cert, key: clientKey } = this.#options.certificatesFor(url.host, this.#isWide && verify);
    const tls = {
      rejectUnauthorized: verify,
      ...(ca !== undefined && { ca: [...ca] }),
      ...(cert !== undefined && { cert }),
      ...(clientKey !== undefined && { key: clientKey }),
    };
    const agent = new SecureAgent({ keepAlive: true, maxSockets: this.#options.maxConnections, ...tls });
    const proxy = findProxy(url, this.#options.proxyEnv);
    if (proxy !== undefined) this.#tunnel(agent, proxy, { url, tls });
    this.#secureAgents.set(key, agent);
    return agent;
  }

  /** Makes the agent reach its host through the proxy. */
  #tunnel(agent: SecureAgent, proxy: URL, to: { readonly url: URL; readonly tls: object }): void {
    const { name, port } = splitHost(to.url.host);
    const authority = `${name.includes(":") ? `[${name}]` : name}:${port ?? 443}`;
    const createConnection = (
      _options: unknown,
      done: (error: Error | null, socket?: Duplex) => void,
    ): undefined => {
      const patience = AbortSignal.timeout(this.#options.connectTimeoutMs);
      openTunnel(proxy, authority, patience).then(
        (socket) => {
          const secure = connectTls({ ...to.tls, socket, servername: name });
          secure.once("secureConnect", () => done(null, secure));
          secure.once("error", (error) => done(error));
        },
        (error: Error) => done(error),
      );
    };
    Object.assign(agent, { createConnection });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    for (const agent of this.#secureAgents.values()) agent.destroy();
  }
}

function sendBody(sent: ReturnType<typeof requestHttp>, body: Outgoing["body"]): void {
  if (body === undefined) sent.end();
  else if (body instanceof Uint8Array) sent.end(body);
  // The request's own events tell of a failure on either side.
  else pipeline(body, sent, (error) => error && sent.destroy(error));
}

function cancelled(url: URL): LighterError {
  return new LighterError("CANCELLED", `cannot finish the request to "${url.host}": cancelled`);
}
