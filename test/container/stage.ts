import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Containers, createContainers, isLive, type RunRequest } from "#container";
import { EventLog } from "#events";
import { createHost, type Host } from "#host";
import type { Image } from "#image";
import { createNetworks } from "#network";
import { digestOf, type ProcessConfig } from "#oci";
import { findRuntime, type NetworkProvider } from "#runtime";
import type { SnapshotName } from "#snapshot";
import { openSys } from "../../src/host/sys.ts";

const CLONE_NEWNET = 0x40000000;

/** Why the suite cannot run here, or undefined. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const { processes } = createHost();
  if (processes.find("busybox") === undefined) return "needs busybox";
  return (processes.find("crun") ?? processes.find("runc")) ? undefined : "needs crun or runc";
}

/** A store in a directory of its own, with one image: a root with busybox. The machine's network is not touched. */
export class Stage implements Disposable {
  readonly host: Host = createHost();
  readonly root: string;
  readonly containers: Containers;
  readonly events: EventLog;
  readonly network: NetworkProvider;
  readonly #owns: boolean;

  constructor(root?: string) {
    this.#owns = root === undefined;
    if (this.#owns) {
      if (openSys().unshare(CLONE_NEWNET) < 0) throw new Error("cannot leave the machine's network");
      this.host.links.setUp("lo");
    }
    this.root = root ?? mkdtempSync(join(tmpdir(), "lighter-container-"));
    if (this.#owns) makeRoot(join(this.root, "image"));
    const { host } = this;
    this.network = createNetworks({ root: this.root, host });
    this.events = new EventLog(this.root);
    this.containers = createContainers({
      root: this.root,
      host,
      events: this.events,
      images: { unpack: () => Promise.resolve("image" as SnapshotName), commitLayer: unused, create: unused },
      snapshots: { layers: () => [join(this.root, "image")], prepare: unused, commit: unused },
      runtime: (name) =>
        findRuntime(host, { runDirectory: join(this.root, "run"), ...(name === undefined ? {} : { name }) }),
      network: this.network,
      use: () => Promise.resolve({ [Symbol.dispose]() {} }),
    });
  }

  /** Runs and gives what was written beside the status. */
  async run(request: Partial<RunRequest> & { readonly config?: ProcessConfig }) {
    const output = { stdout: "", stderr: "" };
    const { config, ...more } = request;
    const parting = await this.containers.run({
      image: imageOf(config ?? {}),
      imageName: "busybox",
      remove: true,
      network: "none",
      stdio: {
        onStdout: (chunk) => (output.stdout += Buffer.from(chunk).toString()),
        onStderr: (chunk) => (output.stderr += Buffer.from(chunk).toString()),
      },
      ...more,
    });
    return { status: parting.kind === "exited" ? parting.exitCode : 0, ...output };
  }

  /** What is left in the kernel and on disk by containers. */
  leftovers(): object {
    return {
      mounts: readFileSync("/proc/thread-self/mountinfo", "utf8")
        .split("\n")
        .filter((line) => line.includes(this.root)),
      links: this.host.links.list().map(({ name }) => name),
      tables: JSON.stringify(this.host.firewall.list("tables")),
      run: list(join(this.root, "run")).filter((name) => name !== "runtime.json"),
      containers: this.containers.list().map(({ name }) => name),
      upper: list(join(this.root, "containers")).filter((name) => /^[0-9a-f]{64}$/.test(name)),
    };
  }

  /** Also after a failed test: nothing goes on that nobody knows of. */
  [Symbol.dispose](): void {
    for (const { state } of this.#owns ? this.containers.list() : [])
      for (const pid of isLive(state) ? [state.monitorPid, state.pid] : [])
        if (pid > 1) this.host.processes.signal(pid, "SIGKILL");
    if (this.#owns) rmSync(this.root, { recursive: true, force: true });
  }
}

export function imageOf(config: ProcessConfig): Image {
  const digest = digestOf(Buffer.from(JSON.stringify(config)));
  const descriptor = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
  return {
    target: descriptor,
    id: digest,
    manifest: { schemaVersion: 2, config: descriptor, layers: [] },
    config: {
      os: "linux",
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      config,
      rootfs: { type: "layers", diff_ids: [] },
    },
    layers: [],
    names: [],
    sizeBytes: 1,
  };
}

function makeRoot(root: string): void {
  for (const folder of ["bin", "etc", "tmp", "home/ann"]) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync("/usr/bin/busybox", join(root, "bin/busybox"));
  const applets =
    "sh cat echo id pwd env ls touch hostname true false sleep kill ip stat mkdir tty stty nc rm trap ln printf head tr httpd".split(
      " ",
    );
  for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nann:x:1000:\nstaff:x:50:ann\n");
  chmodSync(join(root, "tmp"), 0o1777);
}

function list(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

function unused(): never {
  throw new Error("the test did not expect it");
}
