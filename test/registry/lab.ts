// What the registry tests share: Debian's docker-registry on loopback, a proxy that spoils the line, stores of images.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type ContentStore, openContentStore } from "#content";
import { createHost, type Host } from "#host";
import { type Image, type ImageStore, openImageStore, registrySource, registryTarget } from "#image";
import { parseReference, type Reference } from "#oci";
import { openRegistryClient, type RegistryClient, type RegistryOptions } from "#registry";
import { openSnapshotter, type Snapshotter } from "#snapshot";

/** Why the tests with real registries cannot run here, or false. */
export function whyNoRegistry(...programs: readonly string[]): string | false {
  for (const program of ["docker-registry", ...programs])
    if (spawnSync("which", [program]).status !== 0) return `needs ${program} (npm test installs it)`;
  if (process.getuid?.() !== 0) return "needs root";
  return false;
}

export const host: Host = createHost();

/** A folder that goes at the end. */
export function tempFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "lighter-registry-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:12345`. */
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  /** The certificate authority, with TLS. */
  readonly ca?: string;
}

export interface RegistryForm {
  readonly tls?: boolean;
  /** `name:password` for basic auth. */
  readonly basic?: string;
  /** The address of a token service, with the certificate by which its tokens are checked. */
  readonly token?: { readonly realm: string; readonly bundle: string };
}

export async function startRegistry(folder: string, form: RegistryForm = {}): Promise<Registry> {
  mkdirSync(folder, { recursive: true });
  const tls = form.tls === true ? makeCertificate(folder) : undefined;
  writeFileSync(
    join(folder, "config.yml"),
    JSON.stringify({
      version: 0.1,
      log: { level: "info", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
      http: { addr: "127.0.0.1:0", ...(tls && { tls: { certificate: tls.cert, key: tls.key } }) },
      ...(form.basic !== undefined && {
        auth: { htpasswd: { realm: "test", path: writeHtpasswd(folder, form.basic) } },
      }),
      ...(form.token && {
        auth: {
          token: {
            realm: form.token.realm,
            service: "test",
            issuer: "test",
            rootcertbundle: form.token.bundle,
          },
        },
      }),
    }),
  );
  // Into a file: a pipe that a test does not read while it waits for a program would stop the registry.
  const log = join(folder, "log");
  const fd = openSync(log, "w");
  const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  const port = await portIn(log, child);
  return {
    address: `127.0.0.1:${port}`,
    port,
    folder,
    ...(tls && { ca: tls.cert }),
    [Symbol.asyncDispose]: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** The port that the kernel gave the registry, which says so when it listens. */
async function portIn(log: string, child: ChildProcess): Promise<number> {
  for (const end = Date.now() + 60_000; ; await delay(20)) {
    const said = readFileSync(log, "utf8");
    const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(said) ?? [];
    if (port !== undefined) return Number(port);
    if (child.exitCode === null && Date.now() < end) continue;
    child.kill("SIGKILL");
    throw new Error(`docker-registry does not listen: ${said}`);
  }
}

export function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,DNS:registry.test,IP:127.0.0.1"
      .split(" ")
      .concat("-keyout", key, "-out", cert),
    { stdio: "ignore" },
  );
  return { cert, key };
}

function writeHtpasswd(folder: string, pair: string): string {
  const path = join(folder, "htpasswd");
  const [name = "", password = ""] = pair.split(":");
  // Python's crypt makes bcrypt hashes; htpasswd is in a package of its own.
  const hash = execFileSync("python3", [
    "-W",
    "ignore",
    "-c",
    "import crypt,sys;print(crypt.crypt(sys.argv[1],crypt.mksalt(crypt.METHOD_BLOWFISH)))",
    password,
  ]);
  writeFileSync(path, `${name}:${hash.toString().trim()}\n`);
  return path;
}

export interface Store {
  readonly root: string;
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
}

export function openStore(root: string): Store {
  mkdirSync(root, { recursive: true });
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  return { root, content, snapshots, images: openImageStore({ root, content, snapshots, host }) };
}

export function client(options: Partial<RegistryOptions> = {}): RegistryClient {
  return openRegistryClient({ host, backoffMs: 20, ...options });
}

/** An image of some layers whose bytes do not compress, so that their length on the line is known. */
export async function makeImage(store: Store, name: string, layers: readonly LayerWish[]): Promise<Image> {
  const { snapshots, images } = store;
  let parent: ReturnType<typeof snapshots.commit> | undefined;
  const blobs = [];
  for (const [place, wish] of layers.entries()) {
    await using active = snapshots.prepare(parent);
    for (const [path, bytes] of Object.entries(wish)) {
      mkdirSync(join(active.upper, path, ".."), { recursive: true });
      writeFileSync(join(active.upper, path), bytes);
    }
    parent = snapshots.commit(active, `${name.replaceAll(/[^a-z0-9]/g, "-")}-${place}`);
    blobs.push(await images.commitLayer(parent));
  }
  const config = {
    os: "linux",
    architecture: "amd64",
    created: "2026-01-01T00:00:00Z",
    rootfs: { type: "layers", diff_ids: [] },
  } as const;
  return images.create({ config, layers: blobs, names: [parseReference(name)] });
}

/** Contents by path. */
export type LayerWish = Readonly<Record<string, string | Uint8Array>>;

/** Bytes that look random and are the same each time. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed >>> 0 || 1;
  for (let at = 0; at + 4 <= sizeBytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, at);
  }
  return bytes;
}

export async function push(
  store: Store,
  image: Image,
  to: string,
  using_: RegistryClient = client(),
): Promise<string> {
  using registries = using_;
  const copied = await store.images.send(image, registryTarget(registries, parseReference(to)), {
    form: { compression: "gzip" },
    allPlatforms: true,
    verb: "push",
  });
  return copied.top.digest;
}

export async function pull(
  store: Store,
  from: string,
  using_: RegistryClient = client(),
  signal?: AbortSignal,
): Promise<Image> {
  using registries = using_;
  const reference: Reference = parseReference(from);
  return await store.images.receive(registrySource(registries, reference), {
    platforms: [{ os: "linux", architecture: "amd64" }],
    names: [reference],
    origin: { kind: "pulled", from: reference.registry },
    ...(signal && { signal }),
  });
}

/** Files of a store that belong to nothing: unfinished ingests and active snapshots. */
export function leftovers(root: string): readonly string[] {
  return ["ingest", "snapshots/active"].flatMap((folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [],
  );
}

/** Contents of a tree's files by path. */
export function readFiles(folder: string, below = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) Object.assign(files, readFiles(folder, path));
    else if (entry.isFile()) files[path] = readFileSync(join(folder, path)).toString("base64").slice(0, 40);
  }
  return files;
}
