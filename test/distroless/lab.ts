import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openContentStore } from "#content";
import { openRecipeSource, type RecipeDefinition, type RecipeSourceOptions } from "#distroless";
import { createHost } from "#host";
import { type Image, type ImageStore, openImageStore } from "#image";
import { parseReference } from "#oci";
import { openSnapshotter, type Snapshotter } from "#snapshot";
import type { MirrorFiles, SigningKey } from "./fake-archive.ts";

export const now = new Date("2026-11-20T12:00:00Z");

/** A mirror on this machine. `answer` may take over a request; what it does not take is answered from `files`. */
export class FakeMirror implements AsyncDisposable {
  files: MirrorFiles;
  readonly requests: string[] = [];
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer | undefined) => boolean = () =>
    false;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    const path = decodeURI((request.url ?? "").slice(1));
    const range = request.headers.range;
    this.requests.push(range === undefined ? path : `${path} ${range}`);
    const body = this.files.get(path) ?? this.files.get(encodeURI(path).replaceAll(":", "%3a"));
    if (!this.answer(request, response, body)) answerWith(response, body, range);
  });

  constructor(files: MirrorFiles) {
    this.files = files;
    this.#server.on("connection", (socket) => this.#sockets.add(socket));
  }

  static async open(files: MirrorFiles): Promise<FakeMirror> {
    const mirror = new FakeMirror(files);
    await new Promise<void>((resolve) => mirror.#server.listen(0, "127.0.0.1", resolve));
    return mirror;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answerWith(response: ServerResponse, body: Buffer | undefined, range: string | undefined): void {
  if (body === undefined) {
    response.writeHead(404).end("not here");
    return;
  }
  const start = range === undefined ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
  const rest = body.subarray(start);
  response.writeHead(start === 0 ? 200 : 206, { "Content-Length": rest.length }).end(rest);
}

/** A store in a temporary directory, with recipes that take packages from a fake mirror. */
export class Lab implements AsyncDisposable {
  readonly root: string;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
  readonly warnings: string[] = [];
  readonly host = createHost();

  /** @param root an existing store; a new one when absent */
  constructor(root = mkdtempSync(join(tmpdir(), "lighter-recipes-"))) {
    this.root = root;
    const content = openContentStore(this.root, this.host);
    this.snapshots = openSnapshotter(this.root, this.host);
    this.images = openImageStore({ root: this.root, content, snapshots: this.snapshots, host: this.host });
  }

  /** Assembles `app`, a recipe of the given packages. */
  async assemble(
    url: string,
    options: Partial<RecipeSourceOptions> & {
      readonly key: Pick<SigningKey, "archiveKey">;
      readonly packages?: readonly string[];
      readonly signal?: AbortSignal;
      readonly definition?: Partial<RecipeDefinition>;
    },
  ): Promise<Image> {
    const { key, packages = ["app"], definition, ...rest } = options;
    const source = openRecipeSource({
      root: this.root,
      host: this.host,
      snapshots: this.snapshots,
      images: this.images,
      mirror: { url: `${url}/debian`, securityUrl: `${url}/debian-security` },
      keys: [key.archiveKey],
      now: () => now,
      http: { retries: 2, backoffMs: 5, stallTimeoutMs: 60_000 },
      onWarning: (text) => this.warnings.push(text),
      definitions: [{ ...appRecipe(packages), ...definition }],
      ...rest,
    });
    const reference = parseReference("app:1");
    const recipe = source.find(reference, { os: "linux", architecture: "amd64" });
    if (recipe === undefined) throw new Error("the lab's recipe is not found");
    return await source.assemble(recipe, reference, {
      onProgress: () => {},
      ...(options.signal && { signal: options.signal }),
    });
  }

  /** The tree of an image. */
  async tree(image: Image): Promise<string> {
    const snapshot = await this.images.unpack(image);
    if (snapshot === undefined) throw new Error("the image has no layers");
    return this.snapshots.changes(snapshot);
  }

  /** What a failed assembly left behind: names, snapshots, things under way. */
  leftovers(): readonly string[] {
    const active = readdirSync(join(this.root, "snapshots", "active")).map((name) => `active ${name}`);
    const images = this.images.list().map(({ names }) => `image ${names.join(" ")}`);
    return [...active, ...images, ...this.snapshots.list()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function appRecipe(packages: readonly string[]): RecipeDefinition {
  return {
    name: "app",
    release: "test",
    repository: "library/app",
    tags: ["1"],
    packages,
    env: [{ name: "PATH", value: "/usr/bin:/bin" }],
    cmd: ["app"],
  };
}
