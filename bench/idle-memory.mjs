import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * What an engine's own processes hold, in KiB: daemons, shims and monitors, not the containers. Proportional: a page that
 * several share counts once. Only those of this network namespace: those that the benchmark started.
 */
export function engineMemoryKiB([program, ...leading]) {
  const isEngine = engineOf(program, leading);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isHere(name) && isEngine(argumentsOf(name)))
    .reduce((sum, pid) => sum + proportionalKiB(pid), 0);
}

function engineOf(program, leading) {
  if (program.endsWith("lighter")) return ([path = ""]) => basename(path).startsWith("lighter-");
  const place = leading.at(-1);
  if (program.endsWith("podman"))
    return ([path = "", ...args]) => basename(path) === "conmon" && args.includes(place);
  const folder = dirname(place.replace("unix://", ""));
  const daemons = /^(?:dockerd|containerd|containerd-shim.*|docker-proxy)$/;
  return ([path = "", ...args]) =>
    daemons.test(basename(path)) && (basename(path) === "docker-proxy" || args.join(" ").includes(folder));
}

function isHere(pid) {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino === statSync("/proc/self/ns/net").ino;
  } catch {
    return false; // it ended meanwhile
  }
}

function argumentsOf(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}

function proportionalKiB(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
}
