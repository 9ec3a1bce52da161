import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHost, type Host } from "#host";
import {
  buildSpec,
  claimContainer,
  findRuntime,
  type Runtime,
  readSpecFacts,
  type SpecOptions,
} from "#runtime";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync);

/** Why containers cannot be tested here; false when they can. */
export function unusable(name: Runtime["name"]): string | false {
  const host = createHost();
  if (!host.probes.hasPrivilege()) return "needs root (CAP_SYS_ADMIN)";
  if (busybox === undefined) return "needs busybox (apt install busybox-static)";
  return host.processes.find(name) === undefined && `${name} is not installed`;
}

/** What came of a container. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A runtime, a place for its state and a root with busybox. */
export interface Lab extends Disposable {
  readonly host: Host;
  readonly runtime: Runtime;
  readonly runDirectory: string;
  readonly rootfs: string;
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
}

/** What a test changes of a container. */
export interface RunOptions extends Partial<SpecOptions> {
  readonly signal?: AbortSignal;
  readonly stopGraceMs?: number;
  readonly onStdout?: (chunk: Uint8Array) => void;
}

/** Opens a lab below a new directory, or below the one of another process. */
export async function openLab(name: Runtime["name"], place?: string): Promise<Lab> {
  const host = createHost();
  const folder = place ?? mkdtempSync(join(tmpdir(), "lighter-runtime-"));
  const runDirectory = join(folder, "run");
  const rootfs = join(folder, "rootfs");
  if (place === undefined) makeRoot(rootfs);
  const runtime = await findRuntime(host, { runDirectory, name });
  return {
    host,
    runtime,
    runDirectory,
    rootfs,
    run: (args, options = {}) => run({ host, runtime, runDirectory, rootfs }, args, options),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const applets = [
  "sh",
  "true",
  "false",
  "sleep",
  "cat",
  "id",
  "ps",
  "ls",
  "hostname",
  "env",
  "mknod",
  "dd",
  "kill",
];

function makeRoot(rootfs: string): void {
  for (const folder of ["bin", "etc", "tmp"]) mkdirSync(join(rootfs, folder), { recursive: true });
  copyFileSync(busybox ?? "", join(rootfs, "bin/busybox"));
  for (const applet of [...applets, "mount", "grep", "unshare", "stty"])
    symlinkSync("busybox", join(rootfs, "bin", applet));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\napp:x:1000:\nextra:x:2000:app\n");
}

let count = 0;

async function run(
  lab: Pick<Lab, "host" | "runtime" | "runDirectory" | "rootfs">,
  args: readonly string[],
  options: RunOptions,
): Promise<Outcome> {
  const { signal, stopGraceMs, onStdout, ...changes } = options;
  const id = `test-${process.pid}-${(count += 1)}`;
  using claim = claimContainer(lab.host, lab.runDirectory, id);
  const spec = buildSpec(
    { id, rootfs: lab.rootfs, args, hostname: "box", ...changes },
    readSpecFacts(lab.host),
  );
  const output = { stdout: "", stderr: "" };
  const status = await lab.runtime.run({
    id,
    bundle: claim.bundle,
    spec,
    stdio: {
      kind: "capture",
      onStdout(chunk) {
        output.stdout += Buffer.from(chunk).toString();
        onStdout?.(chunk);
      },
      onStderr: (chunk) => void (output.stderr += Buffer.from(chunk).toString()),
    },
    ...(signal === undefined ? {} : { signal }),
    ...(stopGraceMs === undefined ? {} : { stopGraceMs }),
  });
  return { status, ...output };
}
