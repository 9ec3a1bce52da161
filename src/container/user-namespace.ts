import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LighterError } from "#base";
import type { NetworkNamespace, UserNamespace } from "#host";
import { findMonitor } from "#runtime";
import type { StoredContainer } from "./container-record.ts";
import type { Parts } from "./parts.ts";

/** User IDs of a container with `--userns auto`: as many as two bytes count, which is what images use. */
export const userCount = 65_536;
// Between the containers and the foreign images of systemd, given to nobody; below 2^31 - 1, because some tools take a user ID for an int.
const defaultRange = { first: 1_879_048_192, count: 4094 * userCount };
/** Whose lines count: podman's name for this, and ours. */
const owners = new Set(["containers", "lighter"]);

interface Range {
  readonly first: number;
  readonly count: number;
}

/**
 * User IDs of the host that no other container of the store has.
 * @param subuids the text of /etc/subuid, whose ranges of `containers` and `lighter` are used; without any, a range that no
 * distribution assigns
 * @throws CONTAINER_INVALID when all are taken
 */
export function chooseUsers(subuids: string, others: readonly StoredContainer[]): number {
  const taken = new Set(others.map(({ namespaces }) => namespaces.firstUser));
  const given = rangesIn(subuids);
  for (const { first, count } of given.length === 0 ? [defaultRange] : given)
    for (let next = first; next + userCount <= first + count; next += userCount)
      if (!taken.has(next)) return next;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot give the container user IDs of its own: every ${userCount} of the ranges of "containers" and "lighter" in /etc/subuid are taken; add a range`,
  );
}

function rangesIn(subuids: string): readonly Range[] {
  return subuids.split("\n").flatMap((line) => {
    const [owner = "", first, count] = line.split(":");
    return owners.has(owner) && first !== undefined && count !== undefined
      ? [{ first: Number(first), count: Number(count) }]
      : [];
  });
}

export function readSubuids(): string {
  try {
    return readFileSync("/etc/subuid", "utf8");
  } catch {
    return "";
  }
}

/** Such a container's root has to get to its files. @throws CONTAINER_INVALID when a directory above them is closed */
export function checkPassable(root: string): void {
  for (let path = resolve(root); path !== "/"; path = dirname(path))
    if ((statSync(path).mode & 1) === 0)
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot use --userns auto with the store "${root}": "${path}" may be entered by its owner only; let others pass (chmod o+x) or choose another store`,
      );
}

/** A user namespace, and a network namespace that belongs to it. */
export interface OwnUsers extends Disposable {
  readonly namespace: UserNamespace;
  /** Once; the caller closes it. */
  openNetwork(): NetworkNamespace;
}

/** @throws RUNTIME_FAILED */
export async function makeUsers({ host }: Pick<Parts, "host">, first: number): Promise<OwnUsers> {
  const helper = host.processes.spawn(findMonitor(), ["--userns", String(first), String(userCount)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  helper.stderr?.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
  const ready = new Promise<void>((resolve) =>
    helper.stdout?.on("data", (chunk: Buffer) => {
      said.stdout += chunk.toString();
      if (said.stdout.endsWith("\n")) resolve();
    }),
  );
  await Promise.race([ready, helper.exited]);
  const end = async (): Promise<void> => {
    helper.stdin?.end();
    await helper.exited;
  };
  try {
    const pid = Number(said.stdout);
    if (!(pid > 0))
      throw new LighterError("RUNTIME_FAILED", `cannot make a user namespace: ${said.stderr.trim()}`);
    const namespace = host.namespaces.openUser(pid);
    const network = host.namespaces.openNetwork(pid);
    host.links.setUp("lo", network);
    return {
      namespace,
      openNetwork: () => host.namespaces.openNetworkAt(network.path),
      [Symbol.dispose]() {
        namespace[Symbol.dispose]();
        network[Symbol.dispose]();
      },
    };
  } finally {
    await end();
  }
}
