import { readFileSync } from "node:fs";
import { LighterError } from "#base";
import type { Limits } from "./container-record.ts";

const leastMemory = 6 * 2 ** 20;

/**
 * What docker refuses as well, before anything starts.
 * @param readProcessors the numbers of this host's processors
 * @throws CONTAINER_INVALID
 */
export function checkLimits(limits: Limits, readProcessors: () => ReadonlySet<number> = processors): void {
  const { memoryBytes = 0, memorySwapBytes = 0, nanoCpus, cpusetCpus } = limits;
  if (memoryBytes > 0 && memoryBytes < leastMemory)
    throw invalid(`limit memory to ${memoryBytes} bytes`, "no container starts with less than 6m");
  if (memorySwapBytes > 0 && memoryBytes === 0)
    throw invalid("limit swap without memory", "it counts both; give --memory too");
  if (memorySwapBytes > 0 && memorySwapBytes < memoryBytes)
    throw invalid(
      `limit memory and swap together to ${memorySwapBytes} bytes`,
      `memory alone may take ${memoryBytes}`,
    );
  checkMemory(limits);
  checkShares(limits);
  if (nanoCpus !== undefined && nanoCpus > readProcessors().size * 1e9)
    throw invalid(`give ${nanoCpus / 1e9} processors`, `this host has ${readProcessors().size}`);
  if (cpusetCpus !== undefined && cpusetCpus !== "") checkSet(cpusetCpus, readProcessors());
}

function checkMemory({ memoryBytes = 0, memoryReservationBytes = 0, memorySwappiness = 0 }: Limits): void {
  if (memoryBytes > 0 && memoryReservationBytes > memoryBytes)
    throw invalid(
      `reserve ${memoryReservationBytes} bytes of memory`,
      `the limit of ${memoryBytes} is less; it must be more than the reservation`,
    );
  if (memorySwappiness < -1 || memorySwappiness > 100)
    throw invalid(`set the swappiness to ${memorySwappiness}`, "want 0 to 100");
}

function checkShares({ nanoCpus = 0, cpuPeriod = 0, cpuQuota = 0, cpuShares = 0 }: Limits): void {
  if (nanoCpus > 0 && (cpuPeriod > 0 || cpuQuota > 0))
    throw invalid(
      "limit processors in two ways",
      "--cpus stands for a quota in a period; leave it or --cpu-quota and --cpu-period out",
    );
  if (cpuShares < 0) throw invalid(`give ${cpuShares} shares of the processor`, "want a positive number");
}

function checkSet(text: string, present: ReadonlySet<number>): void {
  const absent = [...numbersOf(text)].filter((number) => !present.has(number));
  if (absent.length > 0)
    throw invalid(
      `run on processors "${text}"`,
      `this host has no processor ${absent[0]}; it has ${[...present].join(", ")}`,
    );
}

function processors(): ReadonlySet<number> {
  return numbersOf(readFileSync("/sys/devices/system/cpu/online", "latin1").trim());
}

/** The kernel's list format: `0-3,5`. @throws CONTAINER_INVALID */
function numbersOf(text: string): ReadonlySet<number> {
  return new Set(
    text.split(",").flatMap((range) => {
      const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range);
      const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
      if (match === null || last < first)
        throw invalid(`run on processors "${text}"`, "want a list as 0-3,5");
      return Array.from({ length: last - first + 1 }, (_, at) => first + at);
    }),
  );
}

const ipcSettings = new Set(
  ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map(
    (name) => `kernel.${name}`,
  ),
);

/** Only settings of a namespace that the container has for itself. @throws CONTAINER_INVALID */
export function checkSysctls(
  sysctls: Readonly<Record<string, string>>,
  shared: { readonly network: boolean; readonly ipc: boolean },
): void {
  for (const name of Object.keys(sysctls)) {
    const isNetwork = name.startsWith("net.");
    const isIpc = ipcSettings.has(name) || name.startsWith("fs.mqueue.");
    if (!isNetwork && !isIpc)
      throw invalid(
        `set "${name}"`,
        "it belongs to the whole host; a container has net.*, fs.mqueue.* and kernel.msg*, sem and shm* for itself",
      );
    if ((isNetwork && shared.network) || (isIpc && shared.ipc))
      throw invalid(
        `set "${name}"`,
        `the container shares the host's ${isNetwork ? "network" : "IPC namespace"}`,
      );
  }
}

/** @throws CONTAINER_INVALID */
export function checkNameServers(servers: readonly string[]): void {
  const wrong = servers.find((server) => !isAddress(server));
  if (wrong !== undefined) throw invalid(`ask name server "${wrong}"`, "it is no IP address");
}

/** As the platform's URL parser reads addresses: Node's sockets are slow to load. */
function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) < 256);
  return (
    /^[\da-fA-F:.]+$/.test(text.split("%")[0] ?? "") &&
    text.includes(":") &&
    URL.canParse(`http://[${text.split("%")[0]}]/`)
  );
}

function invalid(what: string, why: string): LighterError {
  return new LighterError("CONTAINER_INVALID", `cannot ${what}: ${why}`);
}
