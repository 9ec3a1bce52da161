import { rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { LighterError } from "#base";
import { tell } from "./container-events.ts";
import { type ContainerRecord, isLive } from "./container-record.ts";
import { notRunning } from "./exec-container.ts";
import { connectMonitor } from "./monitor/connect.ts";
import type { MonitorSession } from "./monitor/session.ts";
import type { Parts } from "./parts.ts";
import { signalNumber } from "./signals.ts";

/** Sends a signal to the container's first process. @throws CONTAINER_NOT_RUNNING, CONTAINER_INVALID */
export async function killContainer(
  parts: Parts,
  record: ContainerRecord,
  signal = "SIGKILL",
): Promise<void> {
  const number = signalNumber(signal);
  using session = await connect(parts, record);
  if (session === undefined || !isLive(record.state)) throw notRunning(record);
  if (record.state.status === "paused" && number === constants.signals.SIGKILL)
    await unpauseContainer(parts, record);
  // A signal that ends it is the user's wish, which a restart policy must not undo; docker sees it so as well.
  if (number === constants.signals.SIGKILL) session.stop(number, -1);
  else session.signal(number);
  if (number === constants.signals.SIGKILL) await session.exited();
  else await session.flushed();
}

/**
 * Asks a container to end and kills it when it does not in time; returns when it has ended. Idempotent.
 * The monitor keeps the time: it is stopped even when this process dies.
 */
export async function stopContainer(
  parts: Parts,
  record: ContainerRecord,
  options: { readonly timeoutSeconds?: number; readonly signal?: string } = {},
): Promise<void> {
  const { state, ...stored } = record;
  if (!isLive(state)) return;
  const seconds = options.timeoutSeconds ?? record.stopTimeoutSeconds;
  const number = signalNumber(options.signal ?? record.stopSignal);
  if (state.status === "paused") await unpauseContainer(parts, record);
  using session = await connect(parts, record);
  if (session === undefined) return;
  if (!record.remove) parts.store.save({ ...stored, isStopped: true }, { durable: true });
  const ended = session.exited();
  session.stop(number, seconds < 0 ? -1 : seconds * 1000);
  await ended;
  await session.closed;
}

/** Waits for the next end of a run. @returns the exit status, of the last run when it does not run now */
export async function waitContainer(parts: Parts, record: ContainerRecord): Promise<number> {
  using session = await connect(parts, record);
  const exit = await session?.exited();
  return exit?.exitCode ?? parts.store.find(record.id)?.state.exitCode ?? 0;
}

/** Stops every process where it is, and tells of it. @throws CONTAINER_NOT_RUNNING, CONTAINER_INVALID when it is paused already */
export async function pauseContainer(parts: Parts, record: ContainerRecord): Promise<void> {
  await holdContainer(parts, record);
  tell(parts, "pause", record);
}

/** @throws CONTAINER_INVALID when it is not paused */
export async function unpauseContainer(parts: Parts, record: ContainerRecord): Promise<void> {
  await releaseContainer(parts, record);
  tell(parts, "unpause", record);
}

/** A pause that nobody asked for, and nobody is told of. @throws as a pause */
export async function holdContainer(parts: Parts, record: ContainerRecord): Promise<void> {
  if (record.state.status === "paused")
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot pause container "${record.name}": it is paused already`,
    );
  if (record.state.status !== "running") throw notRunning(record);
  parts.host.mounts.enterPrivateNamespace();
  const runtime = await parts.runtime(record.runtime);
  const mark = parts.store.pausedPath(record.id);
  // Before it stands still: the monitor begins no health check that would find nobody.
  writeFileSync(mark, "");
  try {
    await runtime.command(record.id, "pause");
  } catch (error) {
    rmSync(mark, { force: true });
    throw error;
  }
}

/** The end of what {@link holdContainer} began. @throws CONTAINER_INVALID when it is not paused */
export async function releaseContainer(parts: Parts, record: ContainerRecord): Promise<void> {
  if (record.state.status !== "paused")
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot unpause container "${record.name}": it is not paused`,
    );
  parts.host.mounts.enterPrivateNamespace();
  await (await parts.runtime(record.runtime)).command(record.id, "resume");
  rmSync(parts.store.pausedPath(record.id), { force: true });
}

function connect({ runDirectory }: Parts, { id }: ContainerRecord): Promise<MonitorSession | undefined> {
  return connectMonitor(join(runDirectory, id));
}
