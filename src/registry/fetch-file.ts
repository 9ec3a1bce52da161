import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { isLighterError, LighterError } from "#base";
import { drain } from "./http/body.ts";
import { describeFailure, isCertificateFailure } from "./http/failure.ts";
import { openTransport } from "./open-transport.ts";
import type { RegistryOptions } from "./options.ts";
import type { CallOptions, WebFile } from "./registry-client.ts";

const redirectLimit = 10;

type Headers = Readonly<Record<string, string>>;

/** See `RegistryClient.fetchFile`. */
export async function* fetchFile(
  options: RegistryOptions,
  address: string,
  call: CallOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    using file = await openFile(options, address, call);
    if (file.status !== 200) throw new Error(`the server answers ${file.status}`);
    yield* file.body;
  } catch (error) {
    if (isLighterError(error, "CANCELLED")) throw error;
    throw new LighterError("ARGUMENT_INVALID", `cannot fetch "${address}": ${describeFailure(error)}`, {
      cause: error,
    });
  }
}

/** See `RegistryClient.openFile`. */
export async function openFile(
  options: RegistryOptions,
  address: string,
  { signal, headers = {} }: CallOptions & { readonly headers?: Headers } = {},
): Promise<WebFile> {
  const transport = openTransport(options);
  const send = (url: URL, own: Headers): Promise<IncomingMessage> =>
    transport.send({
      url,
      method: "GET",
      headers: { "Accept-Encoding": "gzip", ...authorizationOf(url), ...own },
      verify: true,
      ...(signal && { signal }),
    });
  try {
    let url = addressOf(address);
    let own = headers;
    for (let redirects = 0; redirects <= redirectLimit; redirects += 1) {
      const response = await send(url, own).catch((error: unknown) => {
        if (isCertificateFailure(error) && transport.trustMore()) return send(url, own);
        throw error;
      });
      const { location } = response.headers;
      if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined)
        return webFile(response, () => transport[Symbol.dispose]());
      await drain(response);
      const next = addressOf(location, url);
      if (next.origin !== url.origin) own = withoutAuthorization(own);
      url = next;
    }
    throw new Error(`it redirects more than ${redirectLimit} times`);
  } catch (error) {
    transport[Symbol.dispose]();
    throw error;
  }
}

function webFile(response: IncomingMessage, close: () => void): WebFile {
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? "",
    headers: response.headers,
    body: decoded(response),
    [Symbol.dispose]() {
      response.destroy();
      close();
    },
  };
}

function decoded(response: IncomingMessage): Readable {
  if (response.headers["content-encoding"] !== "gzip") return response;
  // Who reads is told of a failure on either side.
  return pipeline(response, createGunzip(), () => undefined);
}

/** A name and a password in an address are for its server. */
function authorizationOf(url: URL): Headers {
  if (url.username === "" && url.password === "") return {};
  const pair = `${unescaped(url.username)}:${unescaped(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that stands for itself
  }
}

/** A password is for the server it was meant for, not for one that this server names. */
function withoutAuthorization(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}

function addressOf(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new Error(`"${text}" is no address of the web`);
}
