import type { IncomingMessage } from "node:http";
import { isLighterError, LighterError } from "#base";
import { drain } from "./http/body.ts";
import { describeFailure, isCertificateFailure } from "./http/failure.ts";
import { openTransport } from "./open-transport.ts";
import type { RegistryOptions } from "./options.ts";
import type { CallOptions } from "./registry-client.ts";

const redirectLimit = 5;

/** See `RegistryClient.fetchFile`. */
export async function* fetchFile(
  options: RegistryOptions,
  address: string,
  { signal }: CallOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  using transport = openTransport(options);
  const send = (url: URL): Promise<IncomingMessage> =>
    transport.send({ url, method: "GET", headers: {}, verify: true, ...(signal && { signal }) });
  try {
    let url = addressOf(address);
    for (let redirects = 0; redirects <= redirectLimit; redirects += 1) {
      const response = await send(url).catch((error: unknown) => {
        if (isCertificateFailure(error) && transport.trustMore()) return send(url);
        throw error;
      });
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return yield* response as AsyncIterable<Uint8Array>;
      await drain(response);
      if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
        throw new Error(`the server answers ${statusCode}`);
      url = addressOf(headers.location, url);
    }
    throw new Error(`it redirects more than ${redirectLimit} times`);
  } catch (error) {
    if (isLighterError(error, "CANCELLED")) throw error;
    throw new LighterError("ARGUMENT_INVALID", `cannot fetch "${address}": ${describeFailure(error)}`, {
      cause: error,
    });
  }
}

function addressOf(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new Error(`"${text}" is no address of the web`);
}
