import { constants } from "node:os";
import { join } from "node:path";
import { LighterError } from "#base";
import type { ContainerClaim } from "#runtime";
import { tell } from "./container-events.ts";
import { type ContainerRecord, isLive } from "./container-record.ts";
import { createClaimed } from "./create-container.ts";
import { connectMonitor } from "./monitor/connect.ts";
import type { Exit, MonitorSession } from "./monitor/session.ts";
import type { Parts } from "./parts.ts";
import { removeStopped } from "./remove-container.ts";
import type { RunRequest, StreamOptions } from "./run-request.ts";
import { startContainer } from "./start-container.ts";
import { feed, outputTo, terminalSize, watchOutput } from "./streams.ts";

/** How a foreground client and its container parted. */
export type Parting =
  | { readonly kind: "exited"; readonly exitCode: number }
  /** The user typed the keys that leave it running. */
  | { readonly kind: "detached" };

/**
 * Makes, joins and starts a container, and stays until it has ended for good; with `remove` nothing of it is left.
 * A failed start leaves the record, as docker does, unless it was to be removed.
 */
export async function runContainer(parts: Parts, request: RunRequest): Promise<Parting> {
  const { record, claim } = await createClaimed(parts, request);
  const input = record.input !== "none" && (request.attach?.includes("stdin") ?? true);
  return await removingFailed(parts, record, () => startAttached(parts, record, request, { input, claim }));
}

/** `docker run -d`: the container needs no process of ours any more. */
export async function runDetached(parts: Parts, request: RunRequest): Promise<ContainerRecord> {
  const { record, claim } = await createClaimed(parts, { ...request, stdio: "none" });
  return await removingFailed(parts, record, async () => {
    using _session = await startContainer(parts, record, { isAttached: false, claim });
    return parts.store.get(record.id);
  });
}

/** What was to be removed at its end goes when it cannot begin. */
async function removingFailed<T>(parts: Parts, record: ContainerRecord, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const state = parts.store.find(record.id)?.state;
    if (record.remove && state !== undefined && !isLive(state)) removeStopped(parts, record);
    throw error;
  }
}

/** `docker start -a`, and the second half of `docker run`. */
export async function startAttached(
  parts: Parts,
  record: ContainerRecord,
  streams: StreamOptions,
  { input, claim }: { readonly input: boolean; readonly claim?: ContainerClaim },
): Promise<Parting> {
  if (streams.signal?.aborted) {
    claim?.[Symbol.dispose]();
    throw cancelled(record);
  }
  tell(parts, "attach", record);
  const size = record.tty && streams.stdio !== "none" ? terminalSize() : undefined;
  let following: Promise<Parting> | undefined;
  await startContainer(parts, record, {
    isAttached: true,
    ...(claim === undefined ? {} : { claim }),
    onOutput: outputTo(streams.stdio),
    ...(size === undefined ? {} : { size }),
    join: (session) => {
      session.subscribe({ ...outputs(record), stdin: input });
      following = follow(parts, { record, session, streams, input });
      following.catch(() => {});
    },
  }).catch((error: unknown) => {
    // Whoever stopped it before it ran knows why it did not.
    throw streams.signal?.aborted ? cancelled(record) : error;
  });
  return await (following ?? Promise.resolve({ kind: "detached" as const }));
}

/** Joins a container that runs. @throws CONTAINER_NOT_RUNNING */
export async function attachContainer(
  parts: Parts,
  record: ContainerRecord,
  streams: StreamOptions & { readonly noStdin?: boolean },
): Promise<Parting> {
  const session = await connectMonitor(join(parts.runDirectory, record.id), outputTo(streams.stdio));
  if (session === undefined || record.state.status !== "running")
    throw new LighterError(
      "CONTAINER_NOT_RUNNING",
      `cannot attach to container "${record.name}": it is ${record.state.status}; start it first`,
      { details: { id: record.id } },
    );
  const input = record.input !== "none" && streams.noStdin !== true;
  session.subscribe({ stdout: true, stderr: true, stdin: input });
  const size = record.tty ? terminalSize() : undefined;
  if (size !== undefined) session.resize(size.rows, size.columns);
  return await follow(parts, { record, session, streams, input });
}

/** What `run -a` asked for, else both. */
function outputs({ attach }: ContainerRecord): { readonly stdout: boolean; readonly stderr: boolean } {
  return {
    stdout: attach?.includes("stdout") ?? true,
    stderr: attach?.includes("stderr") ?? true,
  };
}

interface Following {
  readonly record: ContainerRecord;
  readonly session: MonitorSession;
  readonly streams: StreamOptions;
  readonly input: boolean;
}

async function follow(parts: Parts, following: Following): Promise<Parting> {
  const { record, session, streams, input } = following;
  using feeding = input && streams.stdio === "inherit" ? feed(session, feedOptions(following)) : undefined;
  using output = watchOutput(streams.stdio);
  // The container goes on without this client, as it does when the client is killed.
  output.failed.catch(() => session[Symbol.dispose]());
  const claim = join(parts.runDirectory, record.id);
  streams.onSignals?.((name) => void passSignal(claim, name));
  const stop = (): void => void stopNow(claim);
  streams.signal?.addEventListener("abort", stop, { once: true });
  try {
    const detached = feeding?.detached.then(() => "detached" as const) ?? new Promise<never>(() => {});
    const left = aborted(streams.leave).then(() => "detached" as const);
    const exit = await Promise.race([output.failed, finalExit(session), detached, left]);
    if (exit === "detached") {
      session[Symbol.dispose]();
      return { kind: "detached" };
    }
    if (exit === undefined) throw monitorKilled(record);
    // The monitor hangs up when the last byte is delivered and its locks are about to be freed.
    await Promise.race([output.failed, session.closed]);
    if (streams.signal?.aborted) throw cancelled(record);
    return { kind: "exited", exitCode: exit.exitCode };
  } finally {
    streams.signal?.removeEventListener("abort", stop);
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

function feedOptions({ record, streams }: Following) {
  return { tty: record.tty, ...(streams.detachKeys === undefined ? {} : { detachKeys: streams.detachKeys }) };
}

/** A container with a restart policy has several ends; the last one counts. */
async function finalExit(session: MonitorSession): Promise<Exit | undefined> {
  for (;;) {
    const exit = await session.exited();
    if (exit === undefined || exit.final) return exit;
  }
}

/** By a connection of its own: the first may be full of input that the program does not read. */
async function passSignal(claim: string, name: NodeJS.Signals): Promise<void> {
  using session = await connectMonitor(claim);
  session?.signal(constants.signals[name]);
  await session?.flushed();
}

async function stopNow(claim: string): Promise<void> {
  using session = await connectMonitor(claim);
  session?.stop(constants.signals.SIGTERM, 1000);
  await session?.flushed();
}

function monitorKilled(record: ContainerRecord): LighterError {
  return new LighterError(
    "RUNTIME_FAILED",
    `cannot follow container "${record.name}": its monitor was killed; the next command removes what is left`,
    { details: { id: record.id } },
  );
}

function cancelled(record: ContainerRecord): LighterError {
  return new LighterError("CANCELLED", `cannot finish container "${record.name}": cancelled`);
}
