import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A store of its own and the CLI of this clone working on it, as a user would. */
export interface Clone extends Disposable {
  readonly root: string;
  /** An empty folder for contexts and archives. */
  readonly folder: string;
  run(args: readonly string[], options?: RunOptions): Outcome;
  start(args: readonly string[], options?: Pick<RunOptions, "cwd" | "env">): ChildProcess;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Starts the CLI through another program: `["setpriv", "--reuid", "65534"]`. */
  readonly through?: readonly string[];
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const lighter = join(process.cwd(), "bin/lighter");

/** Makes the store and the folder; disposing removes both. */
export function openClone(): Clone {
  const base = mkdtempSync(join(tmpdir(), "lighter-test-"));
  const root = join(base, "root");
  const folder = mkdtempSync(join(base, "files-"));
  const env = { ...process.env, LIGHTER_ROOT: root };
  const run: Clone["run"] = (args, options = {}) => {
    const [program, ...words] = [...(options.through ?? []), lighter, ...args];
    const { status, stdout, stderr } = spawnSync(program ?? lighter, words, {
      encoding: "utf8",
      cwd: options.cwd ?? folder,
      env: { ...env, ...options.env },
      maxBuffer: 64 << 20,
      ...(options.input !== undefined && { input: options.input }),
    });
    return { status, stdout, stderr };
  };
  return {
    root,
    folder,
    run,
    start: (args, options = {}) =>
      spawn(lighter, args, {
        cwd: options.cwd ?? folder,
        env: { ...env, ...options.env },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    [Symbol.dispose]: () => {
      // What a failed test left must not go on: a container that prints fills the disk for all others.
      const left = hasClaims(root) ? run(["ps", "-aq"]).stdout.split("\n").filter(Boolean) : [];
      if (left.length > 0) run(["rm", "-f", ...left]);
      // A process that is just ending may still write.
      rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Whether a container of the store runs, or did when its monitor was killed. */
function hasClaims(root: string): boolean {
  const folder = join(root, "run");
  return existsSync(folder) && readdirSync(folder).some((name) => /^[0-9a-f]{64}$/.test(name));
}

/**
 * Waits until a container's first process is the program, and gives its number. A container runs from the moment that the
 * runtime has left: its process may still be about to become the program.
 */
export async function untilRuns(clone: Clone, name: string, words: string): Promise<number> {
  const { stdout } = clone.run(["inspect", "-f", "{{.State.Pid}}", name]);
  const read = (): string =>
    readFileSync(`/proc/${stdout.trim()}/cmdline`, "latin1").replaceAll("\0", " ").trim();
  for (const deadline = Date.now() + 60_000; read() !== words; await delay(10))
    if (Date.now() > deadline) throw new Error(`container ${name} runs "${read()}", not "${words}"`);
  return Number(stdout);
}

/** Why the black-box suites cannot run here, or false: the `skip` option of a test. */
export function whyNoMachine(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  for (const program of ["/bin/busybox", "/usr/bin/busybox"]) {
    if (spawnSync(program, ["true"]).status === 0) return false;
  }
  return "needs busybox-static (npm test installs it)";
}
