import type { IncomingMessage } from "node:http";
import { errorMessage, LighterError } from "#base";
import { readBody } from "../http/body.ts";
import type { Outgoing } from "../http/transport.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";

interface AuthorizerOptions {
  /** One request with no authorization of its own. */
  send(outgoing: Outgoing): Promise<IncomingMessage>;
  findCredentials(registry: string): Promise<Credentials | undefined>;
}

/** Who is asked, and for what. */
export interface Access {
  /** Host whose credentials are used. */
  readonly registry: string;
  readonly url: URL;
  readonly verify: boolean;
  /** `repository:library/nginx:pull`, … */
  readonly scopes: readonly string[];
  readonly signal?: AbortSignal;
}

/** Tokens without a life time live for a minute, says the specification. */
const defaultLifeSeconds = 60;
const safetySeconds = 5;
const tokenLimitBytes = 1 << 20;

/**
 * Answers the challenges of registries: basic, or a bearer token fetched for the scopes needed. What was learned is used
 * for the next requests without being asked.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #challenges = new Map<string, Challenge>();
  readonly #tokens = new Map<string, Promise<Token>>();
  readonly #credentials = new Map<string, Promise<Credentials | undefined>>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The header for a request as far as the host has said what it wants. */
  async findHeader(access: Access): Promise<string | undefined> {
    const challenge = this.#challenges.get(access.url.host);
    if (challenge === undefined) return undefined;
    const credentials = await this.#find(access.registry);
    if (credentials?.kind === "registry") return `Bearer ${credentials.token}`;
    if (challenge.scheme === "basic")
      return credentials?.kind === "password" ? basic(credentials) : undefined;
    return `Bearer ${(await this.#token(access, challenge, credentials)).value}`;
  }

  /** Takes in what a 401 says. @returns whether asking again makes sense */
  async learn(access: Access, header: string | undefined, sent: string | undefined): Promise<boolean> {
    const challenges = parseChallenges(header ?? "");
    const challenge =
      challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters["realm"] !== undefined) ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (challenge === undefined) return false;
    this.#challenges.set(access.url.host, challenge);
    if (sent === undefined) return (await this.findHeader(access)) !== undefined;
    // A token may have run out early; a password that was refused stays wrong.
    return challenge.scheme === "bearer" && this.#tokens.delete(keyOf(access));
  }

  #find(registry: string): Promise<Credentials | undefined> {
    const known = this.#credentials.get(registry) ?? this.#options.findCredentials(registry);
    this.#credentials.set(registry, known);
    return known;
  }

  async #token(access: Access, challenge: Challenge, credentials: Credentials | undefined): Promise<Token> {
    const key = keyOf(access);
    const known = await this.#tokens.get(key);
    if (known !== undefined && known.expiresMs > Date.now()) return known;
    // Whoever asks at the same time waits for the same answer.
    const fresh = this.#fetchToken(access, challenge, credentials);
    this.#tokens.set(key, fresh);
    fresh.catch(() => this.#tokens.delete(key));
    return await fresh;
  }

  async #fetchToken(
    access: Access,
    challenge: Challenge,
    credentials: Credentials | undefined,
  ): Promise<Token> {
    const outgoing = tokenRequest(access, challenge, credentials);
    const response = await this.#options.send(outgoing);
    const text = (await readBody(response, tokenLimitBytes)).toString();
    const status = response.statusCode ?? 0;
    if (status === 401 || status === 403) throw refused(access, credentials);
    if (status >= 500 || status === 429)
      throw new Error(`the token service ${outgoing.url.host} answers ${status}`);
    if (status !== 200) throw noToken(access, `the token service ${outgoing.url.host} answers ${status}`);
    return parseToken(access, text);
  }
}

interface Token {
  readonly value: string;
  readonly expiresMs: number;
}

function keyOf({ url, scopes }: Access): string {
  return [url.host, ...scopes].join(" ");
}

function basic(credentials: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}

function tokenRequest(access: Access, challenge: Challenge, credentials: Credentials | undefined): Outgoing {
  const url = realmOf(access, challenge);
  // A registry may not talk a client into sending a password in the clear that it was itself told over TLS.
  if (
    credentials !== undefined &&
    access.url.protocol === "https:" &&
    url.protocol !== "https:" &&
    access.verify
  )
    throw noToken(access, `its token service ${url.host} is not reached over https`);
  const { service } = challenge.parameters;
  const common = { verify: access.verify, ...(access.signal && { signal: access.signal }), url };
  if (credentials?.kind === "identity") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      service: service ?? "",
      client_id: "lighter",
      scope: access.scopes.join(" "),
      refresh_token: credentials.token,
    });
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    return { ...common, method: "POST", headers, body: Buffer.from(form.toString()) };
  }
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of access.scopes) url.searchParams.append("scope", scope);
  if (credentials?.kind !== "password") return { ...common, method: "GET", headers: {} };
  url.searchParams.set("account", credentials.username);
  return { ...common, method: "GET", headers: { Authorization: basic(credentials) } };
}

function realmOf(access: Access, challenge: Challenge): URL {
  const { realm = "" } = challenge.parameters;
  try {
    const url = new URL(realm);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  } catch {
    // The error below says it.
  }
  throw noToken(access, `its token service "${realm}" is no address`);
}

function parseToken(access: Access, text: string): Token {
  try {
    const value = JSON.parse(text) as { token?: unknown; access_token?: unknown; expires_in?: unknown };
    const token = value.token ?? value.access_token;
    const life = typeof value.expires_in === "number" ? value.expires_in : defaultLifeSeconds;
    if (typeof token === "string" && token !== "")
      return { value: token, expiresMs: Date.now() + Math.max(1, life - safetySeconds) * 1000 };
  } catch (error) {
    throw noToken(access, `its token service answers no JSON (${errorMessage(error)})`);
  }
  throw noToken(access, "its token service gives no token");
}

function refused({ registry }: Access, credentials: Credentials | undefined): LighterError {
  return new LighterError(
    "REGISTRY_DENIED",
    credentials === undefined
      ? `cannot use registry "${registry}": it gives nothing to strangers; use lighter login ${registry}`
      : `cannot use registry "${registry}": it refuses the stored credentials; use lighter login ${registry} again`,
    { details: { registry } },
  );
}

function noToken({ registry }: Access, why: string): LighterError {
  return new LighterError(
    "REGISTRY_FAILED",
    `cannot get a token for registry "${registry}": ${why}; ask who runs it`,
    { details: { registry } },
  );
}
