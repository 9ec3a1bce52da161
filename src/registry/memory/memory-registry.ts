import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Digest } from "#oci";
import { answerBlob, deleteBlob } from "./blobs.ts";
import { answerReferrers, answerTags } from "./lists.ts";
import { answerManifest, deleteManifest, putManifest } from "./manifests.ts";
import { MemoryStore } from "./memory-store.ts";
import { type Request, refuse } from "./request.ts";
import { openUpload, patchUpload, putUpload, tellUpload } from "./uploads.ts";

export interface MemoryRegistryOptions {
  /** @defaultValue one that is free */
  readonly port?: number;
  /** Basic auth with this name and password. @defaultValue anybody may do anything */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Sees each request first; when it answers (returns true), the registry does not. For faults. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A registry that lives in this process, for tests of what pushes and pulls. Disposing stops it and forgets all. */
export interface MemoryRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`: the beginning of image names. Loopback, so plain http is taken without being told. */
  readonly address: string;
  /** `GET /v2/app/manifests/1` and so on, of every request so far. */
  readonly requests: readonly string[];
  /** The digest a tag leads to. */
  findTag(repository: string, tag: string): Digest | undefined;
  hasBlob(digest: Digest): boolean;
}

const routes: readonly {
  readonly method: RegExp;
  readonly path: RegExp;
  readonly answer: (request: Request, ...words: readonly string[]) => void | Promise<void>;
}[] = [
  { method: /^(GET|HEAD)$/, path: /^\/v2\/$/, answer: ({ response }) => void response.end("{}") },
  { method: /^(GET|HEAD)$/, path: /^\/v2\/(.+)\/manifests\/([^/]+)$/, answer: answerManifest },
  { method: /^PUT$/, path: /^\/v2\/(.+)\/manifests\/([^/]+)$/, answer: putManifest },
  { method: /^DELETE$/, path: /^\/v2\/(.+)\/manifests\/([^/]+)$/, answer: deleteManifest },
  { method: /^POST$/, path: /^\/v2\/(.+)\/blobs\/uploads\/$/, answer: openUpload },
  { method: /^GET$/, path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, answer: tellUpload },
  { method: /^PATCH$/, path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, answer: patchUpload },
  { method: /^PUT$/, path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, answer: putUpload },
  { method: /^(GET|HEAD)$/, path: /^\/v2\/(.+)\/blobs\/([^/]+)$/, answer: answerBlob },
  { method: /^DELETE$/, path: /^\/v2\/(.+)\/blobs\/([^/]+)$/, answer: deleteBlob },
  { method: /^GET$/, path: /^\/v2\/(.+)\/tags\/list$/, answer: answerTags },
  { method: /^GET$/, path: /^\/v2\/(.+)\/referrers\/([^/]+)$/, answer: answerReferrers },
];

/**
 * Starts a registry of the distribution specification 1.1 in memory, on 127.0.0.1.
 *
 * @example
 * ```ts
 * await using registry = await startMemoryRegistry();
 * await engine.images.push(`${registry.address}/calculator`);
 * assert.ok(registry.findTag("calculator", "latest"));
 * ```
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export async function startMemoryRegistry(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const store = new MemoryStore();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (options.intercept?.(request, response) === true) return;
    void serve({ request, response, store, options }).catch(() => response.destroy());
  });
  await listen(server, options.port ?? 0);
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    requests,
    findTag: (repository, tag) => store.findRepository(repository)?.tags.get(tag),
    hasBlob: (digest) => store.blobs.has(digest),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function serve(parts: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly store: MemoryStore;
  readonly options: MemoryRegistryOptions;
}): Promise<void> {
  const { request, response, store, options } = parts;
  const url = new URL(request.url ?? "/", "http://localhost");
  const asked: Request = { request, response, store, url };
  response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
  if (!isAllowed(request, options)) {
    response.setHeader("WWW-Authenticate", 'Basic realm="memory"');
    return refuse(asked, { status: 401, code: "UNAUTHORIZED", message: "authentication required" });
  }
  for (const { method, path, answer } of routes) {
    const match = path.exec(url.pathname);
    if (match !== null && method.test(request.method ?? ""))
      return await answer(asked, ...match.slice(1).map((word) => decodeURIComponent(word)));
  }
  refuse(asked, { status: 404, code: "UNSUPPORTED", message: "no such address" });
}

function isAllowed(request: IncomingMessage, { credentials }: MemoryRegistryOptions): boolean {
  if (credentials === undefined) return true;
  const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
  return request.headers.authorization === `Basic ${pair}`;
}
