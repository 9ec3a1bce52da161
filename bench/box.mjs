// The box that a part of the benchmark runs in: namespaces of its own for processes, mounts and network, so that daemons,
// containers, bridges and mounts end with it, however it ends. What it writes below /etc, /run and /var/lib is not the machine's.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Where the stores of all engines are, seen from within: sockets below it have short names. */
export const place = "/run/bench";

const cgroups = "/sys/fs/cgroup";

/** Runs a program in a box. @returns a way to end it and all that is in it, and a promise of its exit status */
export function startBox(command) {
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  // The shell stays as the first process and takes leave of those whose parents have ended.
  const first = ["sh", "-c", '"$@"; exit $?', "sh"];
  // If this process is killed, so is unshare, and with it the box.
  const words = ["--pdeathsig", "KILL", "unshare", ...namespaces, "--", ...first, ...command];
  const child = spawn("setpriv", words, { stdio: ["ignore", "inherit", "inherit"] });
  let isRunning = true;
  const status = new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code) => resolve(code ?? 1));
  }).finally(() => {
    isRunning = false;
  });
  return {
    status,
    async end() {
      if (!isRunning) return;
      for (const pid of childrenOf(child.pid)) kill(pid);
      // It waits for its child, which ends when everything in the box has.
      const isOver = await Promise.race([status.then(() => true), delay(20_000, false, { ref: false })]);
      if (!isOver) kill(child.pid);
    },
  };
}

/** Makes the box fit for engines; to be called in it, once. @param memory whether the place is to be kept in memory */
export function furnishBox(folder, { memory }) {
  must("ip", ["link", "set", "lo", "up"]);
  // On a host with both cgroup versions crun 1.8 stumbles over the second; this mount namespace is ours to change.
  spawnSync("umount", ["--lazy", join(cgroups, "unified")], { stdio: "ignore" });
  const cover = join(folder, "cover");
  mkdirSync(cover, { recursive: true });
  must("mount", ["-t", "tmpfs", "cover", cover]);
  for (const path of ["/etc", "/run", "/var/lib"]) {
    const [upper, work] = ["upper", "work"].map((part) => join(cover, path, part));
    for (const one of [upper, work]) mkdirSync(one, { recursive: true });
    must("mount", [
      "-t",
      "overlay",
      "cover",
      "-o",
      `lowerdir=${path},upperdir=${upper},workdir=${work}`,
      path,
    ]);
  }
  must("mount", ["-t", "tmpfs", "shm", "/dev/shm"]);
  mkdirSync(place);
  if (memory) must("mount", ["-t", "tmpfs", "-o", "size=90%", "bench", place]);
  else must("mount", ["--bind", folder, place]);
  // Some unpack in /var/tmp otherwise.
  process.env.TMPDIR = join(place, "tmp");
  mkdirSync(process.env.TMPDIR);
}

/** @returns a way to remove the cgroups that engines make from now on, once their processes have ended */
export function watchCgroups() {
  const before = new Set(foldersBelow(cgroups));
  return () => {
    const made = foldersBelow(cgroups).filter((path) => !before.has(path) && isOfEngine(path));
    for (const path of made.reverse()) attempt(() => rmdirSync(path));
  };
}

function isOfEngine(path) {
  return /\/(?:docker|libpod_parent|lighter|buildkit|bench-bare-\d+)(?:\/|$)/.test(path);
}

function foldersBelow(root) {
  if (!existsSync(root)) return [];
  const entries = attempt(() => readdirSync(root, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(root, name), ...foldersBelow(join(root, name))]);
}

function childrenOf(pid) {
  const text = attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")) ?? "";
  return text.split(" ").filter(Boolean).map(Number);
}

function kill(pid) {
  attempt(() => process.kill(pid, "SIGKILL"));
}

/** Processes and cgroups go away while they are looked at. */
function attempt(task) {
  try {
    return task();
  } catch {
    return undefined;
  }
}

function must(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0)
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.toString().trim()}`);
}
