import { join } from "node:path";
import type { Runtime } from "#runtime";
import { cgroupPath } from "../cgroup-path.ts";
import type { ContainerRecord, RestartPolicy } from "../container-record.ts";
import type { Parts } from "../parts.ts";
import { signalNumber } from "../signals.ts";

interface MonitorRequest {
  readonly record: ContainerRecord;
  readonly runtime: Runtime;
  /** Descriptors in the monitor. */
  readonly namespace?: number;
  readonly listeners: readonly number[];
  readonly isAttached: boolean;
}

const inputs = { none: 0, open: 1, once: 2 } as const;
const policies = { no: 0, "on-failure": 1, always: 2, "unless-stopped": 2 } as const;

/** The monitor's number for a restart policy. */
export function policyNumber({ name }: RestartPolicy): number {
  return policies[name];
}

/** The monitor's command line; monitor/main.c reads it. */
export function monitorArguments(parts: Parts, request: MonitorRequest): readonly string[] {
  const { record, runtime } = request;
  const options: Readonly<Record<string, string | number | undefined>> = {
    runtime: runtime.path,
    "runtime-root": runtime.stateDirectory,
    id: record.id,
    // What crun leaves is known; another runtime is asked to remove its own.
    cgroup: runtime.name === "crun" ? cgroupPath(record) : undefined,
    state: parts.store.statePath(record.id),
    terminal: record.tty ? 1 : 0,
    input: inputs[record.input],
    restart: policyNumber(record.restart),
    "most-restarts": record.restart.maximumRetryCount,
    "stop-signal": signalNumber(record.stopSignal),
    namespace: request.namespace,
    owner: record.namespaces.firstUser,
    "oom-file": oomFile(parts, record),
    events: parts.events.path,
    ...logOptions(parts, record),
    ...healthOptions(record),
  };
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const listeners = request.listeners.flatMap((fd) => ["--listener", String(fd)]);
  return [...words, ...listeners, ...tidying(parts, request)];
}

function logOptions({ store }: Parts, { id, log }: ContainerRecord) {
  if (log.driver === "none") return {};
  return {
    log: join(store.directory(id), `${id}-json.log`),
    "log-max-bytes": log.maxBytes,
    "log-max-files": log.maxFiles,
  };
}

function oomFile({ host }: Parts, record: ContainerRecord): string | undefined {
  switch (host.probes.cgroupMode()) {
    case "v2":
      return `/sys/fs/cgroup${cgroupPath(record)}/memory.events`;
    case "none":
      return undefined;
    case "v1":
    case "hybrid":
      return `/sys/fs/cgroup/memory${cgroupPath(record)}/memory.oom_control`;
  }
}

const seconds = 1_000_000_000;

function healthOptions({ health }: ContainerRecord) {
  if (health === undefined) return {};
  const ms = (nanoseconds: number | undefined, otherwise: number): number =>
    Math.max(1, Math.round((nanoseconds || otherwise) / 1_000_000));
  const { probe } = health;
  return {
    "health-kind": probe?.kind ?? "exec",
    "health-target": probe === undefined ? "health.json" : `${probe.port} ${probe.path}`,
    "health-words": probe === undefined ? quotedWords(health.Test ?? []) : undefined,
    "health-interval": ms(health.Interval, 30 * seconds),
    "health-timeout": ms(health.Timeout, 30 * seconds),
    "health-start-period": Math.round((health.StartPeriod ?? 0) / 1_000_000),
    "health-start-interval": ms(health.StartInterval, 5 * seconds),
    "health-retries": health.Retries || 3,
  };
}

// monitor/health.c has room for it in a line of the journal.
const mostWords = 200;

/** The command of a check as an event shows it, ready to stand in JSON. */
function quotedWords([kind, ...words]: readonly string[]): string {
  const text = (kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...words] : words).join(" ");
  return JSON.stringify(text.slice(0, mostWords)).slice(1, -1);
}

/** Only who leaves something that others would trip over: a container to remove, a published port. */
function tidying({ tidyCommand }: Parts, { record, isAttached }: MonitorRequest): readonly string[] {
  const leaves = record.remove || record.network.ports.length > 0;
  return leaves && !isAttached && tidyCommand !== undefined ? ["--", ...tidyCommand] : [];
}
