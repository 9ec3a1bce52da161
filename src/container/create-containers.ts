import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { Image } from "#image";
import { familiarReference } from "#oci";
import type { EndpointFacts } from "#runtime";
import { changeHosts, type HostsChange } from "./change-hosts.ts";
import type { CommitRequest } from "./commit-container.ts";
import { tell, writeFacts, writeLeaving } from "./container-events.ts";
import { checkName } from "./container-name.ts";
import { type ContainerRecord, isLive, type NetworkSettings } from "./container-record.ts";
import { ContainerStore } from "./container-store.ts";
import {
  killContainer,
  pauseContainer,
  stopContainer,
  unpauseContainer,
  waitContainer,
} from "./control-container.ts";
import type { ArchiveCopyRequest } from "./copy-archive.ts";
import type { CopyRequest } from "./copy-files.ts";
import { createContainer } from "./create-container.ts";
import { type Change, listChanges } from "./diff-container.ts";
import { directoryBytes } from "./directory-bytes.ts";
import { type ExecRequest, execContainer } from "./exec-container.ts";
import { listPids, measureUsage, type Usage } from "./observe-container.ts";
import type { ContainersOptions, Parts } from "./parts.ts";
import { type LogEntry, type LogOptions, readLogs } from "./read-logs.ts";
import { removeContainer } from "./remove-container.ts";
import { attachContainer, type Parting, runContainer, runDetached, startAttached } from "./run-container.ts";
import type { RunRequest, StreamOptions } from "./run-request.ts";
import { startContainer } from "./start-container.ts";
import { sweepParts } from "./sweep-containers.ts";
import { takeTurns } from "./take-turns.ts";
import type { UpdateRequest } from "./update-container.ts";
import { VolumeStore } from "./volume-store.ts";
import { openVolumes, type Volumes } from "./volumes.ts";

/** The containers of one store. A container is named by its name, its ID or a unique beginning of one. */
export interface Containers {
  /**
   * Runs a container in the foreground to its end. With `remove` nothing of it is left, otherwise its record and its
   * writable layer stay until {@link Containers.remove}.
   * @throws CONTAINER_INVALID, CONTAINER_NAME_USED, USER_NOT_FOUND, NETWORK_NOT_FOUND, PORT_IN_USE, COMMAND_NOT_FOUND,
   * COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED, CANCELLED
   */
  run(request: RunRequest): Promise<Parting>;
  /** Makes and starts a container that needs no process of ours any more. @throws as {@link run} */
  runDetached(request: RunRequest): Promise<ContainerRecord>;
  /** Makes a container without starting it. @throws CONTAINER_INVALID, CONTAINER_NAME_USED */
  create(request: RunRequest): Promise<ContainerRecord>;
  /** Starts one that does not run; one that runs stays as it is. @throws CONTAINER_NOT_FOUND, and as {@link run} */
  start(text: string): Promise<ContainerRecord>;
  /** Starts one and follows it to its end. */
  startAttached(text: string, streams: StreamOptions & { readonly input?: boolean }): Promise<Parting>;
  /** Joins a running one. @throws CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING */
  attach(text: string, streams: StreamOptions & { readonly noStdin?: boolean }): Promise<Parting>;
  /** Ends one by its stop signal, after the timeout by SIGKILL; one that does not run stays as it is. */
  stop(
    text: string,
    options?: { readonly timeoutSeconds?: number; readonly signal?: string },
  ): Promise<ContainerRecord>;
  restart(
    text: string,
    options?: { readonly timeoutSeconds?: number; readonly signal?: string },
  ): Promise<ContainerRecord>;
  /** @throws CONTAINER_NOT_RUNNING */
  kill(text: string, signal?: string): Promise<ContainerRecord>;
  /** Waits for the end. @returns the exit status */
  wait(text: string): Promise<number>;
  pause(text: string): Promise<ContainerRecord>;
  unpause(text: string): Promise<ContainerRecord>;
  /** Runs one more process in it. @returns its status */
  exec(text: string, request: ExecRequest): Promise<number>;
  logs(text: string, options?: LogOptions): AsyncIterable<LogEntry>;
  /** The networks that a running one is on now, for the account of its end. */
  setEndpoints(id: string, endpoints: readonly EndpointFacts[]): void;
  /** Gives a running one another /etc/resolv.conf, unless something has changed the `former` one. @returns whether it did */
  replaceResolvConf(id: string, text: string, former: string): boolean;
  /** Gives the /etc/hosts of a running one other lines for its own addresses. */
  changeHosts(id: string, change: HostsChange): void;
  rename(text: string, name: string): Promise<void>;
  /** Changes which networks a container joins when it starts. */
  setNetworks(id: string, change: (settings: NetworkSettings) => NetworkSettings): void;
  /** All containers, newest first. */
  list(): readonly ContainerRecord[];
  /** @throws CONTAINER_NOT_FOUND */
  get(text: string): ContainerRecord;
  /** Removes one that does not run; with `force` kills one that does. @throws CONTAINER_NOT_FOUND, CONTAINER_RUNNING */
  remove(
    text: string,
    options?: { readonly force?: boolean; readonly volumes?: boolean },
  ): Promise<ContainerRecord>;
  readonly volumes: Volumes;
  /** Bytes of the files in a volume. @throws VOLUME_NOT_FOUND */
  volumeBytes(name: string): number;
  /** Copies files between the host and a container; one that runs stands still meanwhile. @throws CONTAINER_INVALID */
  copy(text: string, request: CopyRequest): Promise<void>;
  /** The same as a tar archive. */
  copyOut(text: string, request: ArchiveCopyRequest): AsyncIterable<Buffer>;
  /** From a tar archive, into a directory. @throws CONTAINER_INVALID, ARCHIVE_INVALID, ARCHIVE_HOSTILE */
  copyIn(
    text: string,
    request: ArchiveCopyRequest & { readonly source: AsyncIterable<Uint8Array> },
  ): Promise<void>;
  /** What it changed in its image's tree. */
  diff(text: string): readonly Change[];
  /** Its tree without volumes, as a tar archive. A chunk is valid until the next is asked for. */
  export(text: string, sink: (chunk: Buffer) => Promise<void>): Promise<void>;
  /** Mounts its tree without volumes, read-only, for as long as the task takes. */
  withTree<T>(text: string, task: (path: string) => Promise<T>): Promise<T>;
  /** Mounts an image's tree, read-only, for as long as the task takes. */
  withImageTree<T>(image: Image, task: (path: string) => Promise<T>): Promise<T>;
  /** Makes an image of it. */
  commit(text: string, request: CommitRequest): Promise<Image>;
  /** Changes limits and restart policy. */
  update(text: string, request: UpdateRequest): Promise<ContainerRecord>;
  /** IDs on the host. @throws CONTAINER_NOT_RUNNING */
  pids(text: string): readonly number[];
  /** As the host's `ps` shows them; the titles first. @throws CONTAINER_NOT_RUNNING, CONTAINER_INVALID */
  processes(text: string, options: readonly string[]): Promise<readonly (readonly string[])[]>;
  /** Of the files that it made or changed. */
  writtenBytes(text: string): number;
  /** @throws CONTAINER_NOT_RUNNING */
  usage(text: string): Usage;
  /** Settles what dead processes left, and frees what they held. */
  sweep(): Promise<void>;
  /** The same, and what no sweep comes across. @returns what was put in order, in words */
  repair(): Promise<readonly string[]>;
}

/** Opens the containers of a store; costs nothing until used. */
export function createContainers(options: ContainersOptions): Containers {
  const { root, host } = options;
  const store = new ContainerStore({ folder: join(root, "containers"), host });
  const parts: Parts = {
    ...options,
    store,
    volumes: new VolumeStore(join(root, "volumes"), options.events),
    runDirectory: join(root, "run"),
    turns: takeTurns(),
  };
  return {
    ...lifeOf(parts),
    ...partsOfLife(parts),
    list: () => store.list(),
    get: (text) => store.get(text),
    setNetworks: (id, change) => {
      const { state: _, ...record } = store.get(id);
      store.save({ ...record, network: change(record.network) }, { durable: true });
    },
    setEndpoints: (id, endpoints) => {
      const bundle = bundleOf(parts, id);
      if (existsSync(bundle)) writeLeaving(bundle, store.get(id), endpoints);
    },
    replaceResolvConf: (id, text, former) => {
      const path = join(store.directory(id), "resolv.conf");
      if (!existsSync(path) || readFileSync(path, "utf8") !== former) return false;
      // In place: what the container sees is this very file.
      writeFileSync(path, text);
      return true;
    },
    changeHosts: (id, change) => changeHosts(join(store.directory(id), "hosts"), change),
    rename: async (text, name) => await renameContainer(parts, text, name),
    remove: async (text, { force = false, volumes } = {}) => {
      const record = store.get(text);
      await removeContainer(parts, record, { force, volumes: volumes ?? record.remove });
      tell(parts, "destroy", record);
      return record;
    },
    volumes: openVolumes(parts),
    volumeBytes: (name) => directoryBytes(parts.volumes.dataDirectory(parts.volumes.get(name).name)),
    ...contentsOf(parts),
    sweep: () => sweepParts(parts),
    repair: async () => await (await import("./repair-containers.ts")).repairContainers(parts),
  };
}

type Life = Pick<
  Containers,
  "run" | "runDetached" | "create" | "start" | "startAttached" | "attach" | "stop" | "restart"
>;

function lifeOf(parts: Parts): Life {
  const { store } = parts;
  const start = async (record: ContainerRecord): Promise<ContainerRecord> => {
    using _session = await startContainer(parts, record, { isAttached: false });
    return store.get(record.id);
  };
  return {
    run: (request) => tidied(parts, () => runContainer(parts, request)),
    runDetached: (request) => runDetached(parts, request),
    create: (request) => createContainer(parts, request),
    start: async (text) => {
      const record = store.get(text);
      refusePaused(record);
      return isStarted(record) ? record : await start(record);
    },
    startAttached: (text, streams) => {
      const record = store.get(text);
      refusePaused(record);
      const input = streams.input === true && record.input !== "none";
      return tidied(parts, () => startAttached(parts, record, streams, { input }));
    },
    attach: (text, streams) => {
      const record = store.get(text);
      tell(parts, "attach", record);
      return attachContainer(parts, record, streams);
    },
    stop: async (text, options) => {
      const record = store.get(text);
      await stopContainer(parts, record, options);
      if (isLive(record.state)) tell(parts, "stop", record);
      return record;
    },
    restart: async (text, options) => {
      const record = store.get(text);
      keepAtEnd(parts, record);
      await stopContainer(parts, record, options);
      if (isLive(record.state)) tell(parts, "stop", record);
      await sweepParts(parts);
      // With the start it is one to be removed again; where that fails it stays, for `rm` or a further try.
      const restarted = await start({ ...store.get(record.id), remove: record.remove });
      tell(parts, "restart", restarted);
      return restarted;
    },
  };
}

type PartsOfLife = Pick<Containers, "kill" | "wait" | "pause" | "unpause" | "exec" | "logs">;

function partsOfLife(parts: Parts): PartsOfLife {
  const { store } = parts;
  const each = (work: (record: ContainerRecord) => Promise<void>) => async (text: string) => {
    const record = store.get(text);
    await work(record);
    return record;
  };
  return {
    kill: (text, signal) => each((record) => killContainer(parts, record, signal))(text),
    wait: (text) => waitContainer(parts, store.get(text)),
    pause: each((record) => pauseContainer(parts, record)),
    unpause: each((record) => unpauseContainer(parts, record)),
    exec: (text, request) => execContainer(parts, store.get(text), request),
    logs: (text, options) => readLogs(parts, store.get(text), options),
  };
}

type ContentsOf = Pick<
  Containers,
  | "withTree"
  | "withImageTree"
  | "copy"
  | "copyOut"
  | "copyIn"
  | "diff"
  | "export"
  | "commit"
  | "update"
  | "pids"
  | "processes"
  | "usage"
  | "writtenBytes"
>;

/** What few commands need is loaded when it is asked for. */
function contentsOf(parts: Parts): ContentsOf {
  const { store, host } = parts;
  return {
    withTree: async (text, task) =>
      await (await import("./container-root.ts")).withMountedRoot(parts, store.get(text), "view", task),
    withImageTree: async (image, task) =>
      await (await import("./container-root.ts")).withImageRoot(parts, image, task),
    copy: async (text, request) => {
      await (await import("./copy-files.ts")).copyFiles(parts, store.get(text), request);
      tell(parts, request.direction === "in" ? "extract-to-dir" : "archive-path", store.get(text));
    },
    copyOut: async function* (text, request) {
      yield* (await import("./copy-archive.ts")).copyOutArchive(parts, store.get(text), request);
      tell(parts, "archive-path", store.get(text));
    },
    copyIn: async (text, request) => {
      await (await import("./copy-archive.ts")).copyInArchive(parts, store.get(text), request);
      tell(parts, "extract-to-dir", store.get(text));
    },
    diff: (text) => listChanges(parts, store.get(text)),
    export: async (text, sink) => {
      const [{ withMountedRoot }, { layerChunks }] = [
        await import("./container-root.ts"),
        await import("#image"),
      ];
      await withMountedRoot(parts, store.get(text), "view", async (root) => {
        for (const chunk of layerChunks(root, { files: host.files })) await sink(chunk);
      });
      tell(parts, "export", store.get(text));
    },
    commit: async (text, request) => {
      const image = await (await import("./commit-container.ts")).commitContainer(
        parts,
        store.get(text),
        request,
      );
      const imageRef = request.names.map(familiarReference).join(" ");
      tell(parts, "commit", store.get(text), { comment: request.comment ?? "", imageID: image.id, imageRef });
      return image;
    },
    update: async (text, request) => {
      const record = store.get(text);
      await (await import("./update-container.ts")).updateContainer(parts, record, request);
      tell(parts, "update", record);
      return store.get(record.id);
    },
    pids: (text) => {
      const record = store.get(text);
      const pids = listPids(parts, record);
      tell(parts, "top", record);
      return pids;
    },
    processes: async (text, options) => {
      const record = store.get(text);
      const rows = await (await import("./list-processes.ts")).listProcesses(parts, record, options);
      tell(parts, "top", record);
      return rows;
    },
    writtenBytes: (text) => directoryBytes(join(store.directory(store.get(text).id), "fs")),
    usage: (text) => measureUsage(parts, store.get(text)),
  };
}

/** A container that goes when it ends outlives a restart, as docker's does. */
function keepAtEnd({ store }: Parts, { state: _state, ...record }: ContainerRecord): void {
  if (record.remove) store.save({ ...record, remove: false }, { durable: true });
}

function refusePaused({ state, name }: ContainerRecord): void {
  if (state.status !== "paused") return;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot start container "${name}": it is paused; unpause it instead`,
  );
}

function isStarted({ state }: ContainerRecord): boolean {
  return state.status === "running" || state.status === "paused" || state.status === "restarting";
}

/** A foreground client removes at once what its container left. */
async function tidied(parts: Parts, life: () => Promise<Parting>): Promise<Parting> {
  try {
    return await life();
  } finally {
    await sweepParts(parts);
  }
}

function bundleOf({ runDirectory }: Parts, id: string): string {
  return join(runDirectory, id, "bundle");
}

async function renameContainer(parts: Parts, text: string, name: string): Promise<void> {
  const { state: _, ...record } = parts.store.get(text);
  checkName(name);
  await parts.store.rename(record, name);
  const renamed = { ...record, name };
  const bundle = bundleOf(parts, record.id);
  if (existsSync(bundle)) writeFacts(bundle, renamed);
  tell(parts, "rename", renamed, { oldName: `/${record.name}` });
}
