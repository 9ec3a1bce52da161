import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BuildEvent, type Builder, type BuildOutcome, type BuildRequest, createBuilder } from "#build";
import { type ContentStore, openContentStore } from "#content";
import { createHost, type Host } from "#host";
import { type Image, type ImageStore, openImageStore } from "#image";
import { createNetworks } from "#network";
import { formatReference, parseReference } from "#oci";
import { openRegistryClient } from "#registry";
import { findRuntime, type Runtime } from "#runtime";
import { openSnapshotter, type Snapshotter } from "#snapshot";

/** Why the suite cannot run here, or undefined. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  return existsSync("/bin/busybox") ? undefined : "needs /bin/busybox (busybox-static)";
}

/** A directory as a map of paths to contents; a path that ends in a slash is a directory, `@target` a link. */
export type Files = Readonly<Record<string, string>>;

export type LabRequest = Partial<BuildRequest> & {
  readonly files?: Files;
  readonly dockerfile?: BuildRequest["dockerfile"];
};

/** A store of its own with the image `busybox`, and a builder on it. */
export class Lab implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "lighter-build-"));
  readonly root = join(this.folder, "store");
  readonly host: Host = createHost();
  readonly content: ContentStore = openContentStore(this.root, this.host);
  readonly snapshots: Snapshotter = openSnapshotter(this.root, this.host, this.content);
  readonly images: ImageStore = openImageStore({
    root: this.root,
    content: this.content,
    snapshots: this.snapshots,
    host: this.host,
  });
  readonly builder: Builder = this.open();
  #runtime: Promise<Runtime> | undefined;
  #contexts = 0;

  open(): Builder {
    const { root, host, snapshots, images } = this;
    return createBuilder({
      root,
      host,
      content: this.content,
      snapshots,
      images,
      bases: {
        find(reference, platform) {
          return this.resolve(reference, { platform, onProgress() {} });
        },
        async resolve(reference) {
          const image = images.find(formatReference(reference));
          if (image === undefined) return undefined;
          return {
            digest: image.target.digest,
            config: image.config,
            layers: image.manifest.layers.map((descriptor, at) => {
              const diffId = image.config.rootfs.diff_ids[at];
              assert(diffId !== undefined);
              return { descriptor, diffId };
            }),
            origin: "from the store",
            snapshot: () => images.unpack(image),
          };
        },
        describeSources: () => "the store",
      },
      findRuntime: () => (this.#runtime ??= findRuntime(host, { runDirectory: join(root, "run") })),
      networks: async () => createNetworks({ root, host }),
      registries: async () => openRegistryClient({ host }),
    });
  }

  /** Puts the image `busybox:latest` into the store: a shell, its applets, accounts and nothing else. */
  async addBusybox(): Promise<Image> {
    await using active = this.snapshots.prepare(undefined);
    for (const directory of ["bin", "etc", "tmp", "root"]) mkdirSync(join(active.upper, directory));
    chmodSync(join(active.upper, "tmp"), 0o1777);
    copyFileSync("/bin/busybox", join(active.upper, "bin/busybox"));
    for (const applet of applets) symlinkSync("busybox", join(active.upper, "bin", applet));
    writeFileSync(
      join(active.upper, "etc/passwd"),
      "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n",
    );
    writeFileSync(join(active.upper, "etc/group"), "root:x:0:\nstaff:x:50:user\nuser:x:1001:\n");
    for (const path of ["bin", "etc", "tmp", "root", "bin/busybox", "etc/passwd", "etc/group"])
      utimesSync(join(active.upper, path), 1e9, 1e9);
    for (const applet of applets) lutimesSync(join(active.upper, "bin", applet), 1e9, 1e9);
    const snapshot = this.snapshots.commit(active, "busybox-tree");
    const layer = await this.images.commitLayer(snapshot);
    return this.images.create({
      config: {
        os: "linux",
        architecture: "amd64",
        created: "1970-01-01T00:00:00Z",
        config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
        rootfs: { type: "layers", diff_ids: [layer.diffId] },
        history: [{ created_by: "busybox" }],
      },
      layers: [layer],
      names: [parseReference("busybox")],
    });
  }

  /** Makes a directory of `files`. */
  directory(files: Files): string {
    const path = join(this.folder, `context-${(this.#contexts += 1)}`);
    mkdirSync(path);
    writeFiles(path, files);
    return path;
  }

  /** Builds a Dockerfile with a context of `files` into an image of the store. */
  async build(dockerfile: string, request: LabRequest = {}): Promise<Built> {
    const built = await this.export(dockerfile, request);
    const { image } = built;
    assert(image !== undefined);
    return { ...built, image };
  }

  /** Builds a Dockerfile with a context of `files` into what the request says. */
  async export(dockerfile: string, request: LabRequest = {}): Promise<Exported> {
    const { files = {}, ...rest } = request;
    const events: BuildEvent[] = [];
    const outcome = await this.builder.build({
      context: request.context ?? this.directory(files),
      dockerfile: { text: dockerfile },
      jobs: 4,
      ...rest,
      onEvent: (event) => {
        events.push(event);
        request.onEvent?.(event);
      },
    });
    return { ...outcome, events, output: outputOf(events) };
  }

  /** The tree of an image, path to `mode owner content`. */
  async tree(image: Image): Promise<ReadonlyMap<string, string>> {
    const snapshot = await this.images.unpack(image);
    const { flatten } = await import("./flatten.ts");
    return flatten(snapshot === undefined ? [] : this.snapshots.layers(snapshot));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Built extends Exported {
  readonly image: Image;
}

export interface Exported extends BuildOutcome {
  readonly events: readonly BuildEvent[];
  readonly output: string;
}

export function outputOf(events: readonly BuildEvent[]): string {
  return Buffer.concat(events.flatMap((event) => (event.kind === "output" ? [event.chunk] : []))).toString();
}

export function writeFiles(directory: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(directory, path);
    if (path.endsWith("/")) mkdirSync(full, { recursive: true });
    else {
      mkdirSync(dirname(full), { recursive: true });
      if (content.startsWith("@")) symlinkSync(content.slice(1), full);
      else writeFileSync(full, content);
    }
  }
}

const applets =
  "sh ls cat echo mkdir rm cp mv touch chmod chown id stat sleep true false env grep sed ln find mount hostname ip test pwd date head wc sort sha256sum readlink nc tar umount mknod dd".split(
    " ",
  );
