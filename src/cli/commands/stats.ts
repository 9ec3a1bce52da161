import { setTimeout as delay } from "node:timers/promises";
import { isLighterError } from "#base";
import { isLive, type Usage } from "#container";
import { defineCommand } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";

const sampleMs = 1000;

export const stats = defineCommand({
  name: "stats",
  summary: "Show what running containers take",
  usage: "[OPTIONS] [CONTAINER...]",
  flags: {
    all: { kind: "boolean", short: "a", summary: "Those that do not run, too" },
    format: { kind: "string", value: "table|json|TEMPLATE", summary: "How to print" },
    "no-stream": { kind: "boolean", summary: "Show it once" },
    "no-trunc": { kind: "boolean", summary: "Print IDs in full" },
  },
  arity: { min: 0, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [
    { command: "lighter stats --no-stream", explains: "Show processor, memory and traffic of all, once" },
  ],
  async run({ flags, args, io, openEngine, signal }) {
    const { printRows } = await import("../format/print-rows.ts");
    await using engine = await openEngine();
    for (let before = await sample(engine, args, flags.all); ; ) {
      await delay(sampleMs, undefined, { signal }).catch(() => {});
      const now = await sample(engine, args, flags.all);
      const rows = now.map((one) =>
        rowOf(
          one,
          before.find(({ id }) => id === one.id),
          flags["no-trunc"],
        ),
      );
      const isStream = !flags["no-stream"] && !signal.aborted;
      const home = isStream && io.stdout.isTerminal ? "\u001b[H\u001b[2J" : "";
      await io.stdout.write(home + printRows({ rows, columns }, flags.format));
      if (!isStream) return 0;
      before = now;
    }
  },
});

const columns = [
  ["CONTAINER ID", "ID"],
  ["NAME", "Name"],
  ["CPU %", "CPUPerc"],
  ["MEM USAGE / LIMIT", "MemUsage"],
  ["MEM %", "MemPerc"],
  ["NET I/O", "NetIO"],
  ["BLOCK I/O", "BlockIO"],
  ["PIDS", "PIDs"],
] as const;

interface Sample {
  readonly id: string;
  readonly name: string;
  /** The word that named it. */
  readonly asked: string | undefined;
  readonly atNs: bigint;
  readonly usage: Usage | undefined;
}

async function sample(engine: CliEngine, names: readonly string[], all: boolean): Promise<readonly Sample[]> {
  const listed = await engine.containers.list();
  const records =
    names.length > 0
      ? await Promise.all(
          names.map(async (asked) => ({
            ...(await engine.containers.get(asked)),
            asked: asked as string | undefined,
          })),
        )
      : listed.filter(({ state }) => all || isLive(state)).map((record) => ({ ...record, asked: undefined }));
  return await Promise.all(
    records.map(async ({ id, name, asked }) => ({
      id,
      name,
      asked,
      atNs: process.hrtime.bigint(),
      usage: await usageOf(engine, id),
    })),
  );
}

async function usageOf(engine: CliEngine, id: string): Promise<Usage | undefined> {
  try {
    return await engine.containers.usage(id);
  } catch (error) {
    if (isLighterError(error, "CONTAINER_NOT_RUNNING", "CONTAINER_NOT_FOUND")) return undefined;
    throw error;
  }
}

function rowOf({ id, name, asked, usage, atNs }: Sample, before: Sample | undefined, isFull: boolean) {
  const ID = isFull ? id : id.slice(0, 12);
  const Container = asked ?? ID;
  if (usage === undefined)
    return {
      ID,
      Container,
      Name: name,
      CPUPerc: "0.00%",
      MemUsage: "0B / 0B",
      MemPerc: "0.00%",
      NetIO: "0B / 0B",
      BlockIO: "0B / 0B",
      PIDs: "0",
    };
  const ranNs = Number(atNs - (before?.atNs ?? atNs));
  const usedNs = usage.cpuNs - (before?.usage?.cpuNs ?? usage.cpuNs);
  const percent = (part: number, whole: number): string =>
    `${(whole > 0 ? (part / whole) * 100 : 0).toFixed(2)}%`;
  return {
    ID,
    Container,
    Name: name,
    CPUPerc: percent(usedNs, ranNs),
    MemUsage: `${binary(usage.memoryBytes)} / ${binary(usage.memoryLimitBytes)}`,
    MemPerc: percent(usage.memoryBytes, usage.memoryLimitBytes),
    NetIO: `${decimal(usage.networkReceivedBytes)} / ${decimal(usage.networkSentBytes)}`,
    BlockIO: `${decimal(usage.blockReadBytes)} / ${decimal(usage.blockWrittenBytes)}`,
    PIDs: String(usage.pids),
  };
}

function scaled(bytes: number, base: number, units: readonly string[]): string {
  let [value, unit] = [bytes, 0];
  while (value >= base && unit < units.length - 1) [value, unit] = [value / base, unit + 1];
  return `${Number(value.toPrecision(4))}${units[unit] ?? ""}`;
}

const binary = (bytes: number): string => scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
const decimal = (bytes: number): string => scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB"]);
