import { createHash } from "node:crypto";
import { LighterError } from "#base";

/**
 * `algorithm:encoded`, checked. Only {@link parseDigest} and {@link digestOf} make one.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = `sha256:${string}` & { readonly brand: "Digest" };

const sha256Pattern = /^sha256:[0-9a-f]{64}$/;

/** @throws DIGEST_INVALID unless `text` is `sha256:` and 64 lower-case hexadecimal digits */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new LighterError(
    "DIGEST_INVALID",
    `cannot use digest "${text}": want sha256:<64 hexadecimal digits>`,
  );
}

/** Whether `text` is a digest this engine can verify. */
export function isDigest(text: string): text is Digest {
  return sha256Pattern.test(text);
}

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

/** A digest that is being computed while bytes pass by. */
export class Digester {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Ends the computation; may be called once. */
  digest(): Digest {
    return `sha256:${this.#hash.digest("hex")}` as Digest;
  }
}

/** The 64 hexadecimal digits after the colon: the file name of a blob. */
export function encoded(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** The first twelve digits, as docker shows image and container ids. */
export function shortId(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}

/**
 * The identity of a stack of layers: of one layer its diffID, then `sha256(parentChainID + " " + diffID)`.
 * @param digest for a command that has not loaded `node:crypto` and can do without
 * @returns undefined for an empty stack
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#layer-chainid
 */
export function chainId(
  diffIds: readonly Digest[],
  digest: (text: string) => Digest = digestOf,
): Digest | undefined {
  let chain: Digest | undefined;
  for (const diffId of diffIds) chain = chain === undefined ? diffId : digest(`${chain} ${diffId}`);
  return chain;
}
