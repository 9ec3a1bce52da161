import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Cleanup, errorMessage, LighterError } from "#base";
import { type Mount, type Running, removeFile, removeTree } from "#host";
import {
  type Attachment,
  type AttachRequest,
  type ContainerClaim,
  claimContainer,
  findMonitor,
  hastenCgroupMove,
  keepCgroupMoveQuick,
  type Runtime,
  type RuntimeSpec,
} from "#runtime";
import type { SnapshotName } from "#snapshot";
import { takenFacts, writeFacts, writeLeaving } from "./container-events.ts";
import { type ContainerRecord, createdState } from "./container-record.ts";
import { parseExtraHost } from "./extra-host.ts";
import { fillVolumes } from "./fill-volumes.ts";
import { makeSpec, makeWorkingDirectory, writeHealthProcess } from "./make-spec.ts";
import { monitorArguments } from "./monitor/arguments.ts";
import { MonitorSession, type OnOutput } from "./monitor/session.ts";
import type { Parts } from "./parts.ts";
import { makeUsers, type OwnUsers } from "./user-namespace.ts";

export interface StartOptions {
  /** Held already; otherwise it is taken, and given back when the start fails. */
  readonly claim?: ContainerClaim;
  /** Called before the program runs, so that no byte of it is lost. */
  readonly join?: (session: MonitorSession) => void;
  readonly onOutput?: OnOutput;
  /** Its client waits for the end and tidies up itself. */
  readonly isAttached: boolean;
  readonly size?: { readonly rows: number; readonly columns: number };
}

/**
 * Claim, network, root, monitor, bundle, program: undone in reverse when one fails, handed to the monitor when all is
 * well. From then on the container needs no process of ours.
 */
export async function startContainer(
  parts: Parts,
  record: ContainerRecord,
  options: StartOptions,
): Promise<MonitorSession> {
  const { host, store, runDirectory } = parts;
  host.mounts.enterPrivateNamespace();
  await using undo = new Cleanup();
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  const claim = undo.use(options.claim ?? claimFor(parts, record));
  const runtime = await parts.runtime(record.runtime);
  removeFile(store.pausedPath(record.id));
  try {
    const { firstUser } = record.namespaces;
    using users = firstUser === undefined ? undefined : await makeUsers(parts, firstUser);
    const attachment = undo.use(await attach(parts, record, users));
    const endpoints = attachment.endpoints ?? [];
    writeFacts(claim.bundle, record);
    writeLeaving(claim.bundle, record, endpoints);
    for (const facts of takenFacts(record, endpoints, "start")) parts.events.append(facts);
    undo.defer(() => {
      for (const facts of takenFacts(record, endpoints, "end")) parts.events.append(facts);
    });
    const made = await parts.turns(() =>
      handOverRoot(parts, { record, claim, attachment, runtime, options, ...(users && { users }) }),
    );
    const { monitor, session, spec } = made;
    undo.defer(async () => {
      session[Symbol.dispose]();
      await monitor.exited.catch(() => {});
    });
    if (options.size !== undefined) session.resize(options.size.rows, options.size.columns);
    options.join?.(session);
    const started = await startedQuickly(session);
    if (started === "failed") throw runtime.readFailure({ id: record.id, bundle: claim.bundle, spec });
    store.save(
      { ...record, isStopped: false, network: joined(record, attachment) },
      { durable: !record.remove },
    );
    attachment.handOver();
    claim.handOver();
    monitor.unref();
    undo.move();
    return session;
  } catch (error) {
    store.saveState(record.id, failedState(error));
    throw error;
  }
}

/** The runtime is loaded for longer than the kernel remembers that a process was moved. */
async function startedQuickly(session: MonitorSession): ReturnType<MonitorSession["started"]> {
  using _quick = keepCgroupMoveQuick();
  return await session.started();
}

/** @throws CONTAINER_RUNNING */
function claimFor({ host, runDirectory }: Parts, record: ContainerRecord): ContainerClaim {
  try {
    return claimContainer(host, runDirectory, record.id);
  } catch (error) {
    throw new LighterError(
      "CONTAINER_RUNNING",
      `cannot start container "${record.name}": it is running already, or another command is busy with it`,
      { cause: error, details: { id: record.id } },
    );
  }
}

async function attach(parts: Parts, record: ContainerRecord, users?: OwnUsers): Promise<Attachment> {
  const peer = findPeer(parts, record);
  return await parts.network.attach({
    ...record.network.networking,
    ...(peer === undefined ? {} : { peer }),
    ...(users && { openNamespace: users.openNetwork }),
    containerId: record.id,
    containerName: record.name,
    hostname: record.hostname,
    ...(record.domainname === undefined ? {} : { domainname: record.domainname }),
    network: record.network.name,
    ports: record.network.ports,
    extraHosts: record.network.extraHosts.map(parseExtraHost),
  });
}

/** The container whose network is shared, while it runs. @throws CONTAINER_NOT_FOUND */
function findPeer({ store }: Parts, { network }: ContainerRecord): AttachRequest["peer"] {
  const name = /^container:(.*)$/.exec(network.name)?.[1];
  const peer = name === undefined ? undefined : store.get(name);
  if (peer === undefined || peer.state.pid === 0) return undefined;
  const read = (file: string): string => readFileSync(join(store.directory(peer.id), file), "utf8");
  return { pid: peer.state.pid, hosts: read("hosts"), resolvConf: read("resolv.conf") };
}

function joined(record: ContainerRecord, attachment: Attachment): ContainerRecord["network"] {
  const { address, gateway, mac, ports } = attachment;
  const { name, ports: asked, extraHosts, networking } = record.network;
  return {
    name,
    ports: asked,
    extraHosts,
    ...(networking === undefined ? {} : { networking }),
    ...(attachment.endpoints === undefined ? {} : { endpoints: attachment.endpoints }),
    published: ports,
    ...(address === undefined ? {} : { address }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(mac === undefined ? {} : { mac }),
  };
}

interface Making {
  readonly record: ContainerRecord;
  readonly claim: ContainerClaim;
  readonly attachment: Attachment;
  readonly runtime: Runtime;
  readonly options: StartOptions;
  readonly users?: OwnUsers;
}

interface Made {
  readonly monitor: Running;
  readonly session: MonitorSession;
  readonly spec: RuntimeSpec;
}

/**
 * Mounts the root, starts the monitor, which takes a copy of the mount namespace, and unmounts it here: from then on the
 * mount lives and dies with the monitor. One at a time, or a monitor would copy the roots of others.
 */
async function handOverRoot(parts: Parts, making: Making): Promise<Made> {
  const { record, claim, attachment, runtime, options } = making;
  hastenCgroupMove();
  using root = await prepareRoot(parts, making);
  using shm = joinSharedMemory(parts, record, claim);
  const monitor = spawnMonitor(parts, making);
  const stream = monitor.channel(3);
  if (stream === undefined) throw new LighterError("INTERNAL", "cannot start the monitor: it has no channel");
  const session = new MonitorSession(stream, options.onOutput);
  try {
    const namespace = attachment.held.namespace;
    const spec = makeSpec(parts, {
      record,
      rootfs: root.target,
      attachment,
      namespacePath: namespace === undefined ? undefined : `/proc/${monitor.pid}/fd/${inherited.namespace}`,
      ...(making.users && { userNamespacePath: `/proc/${monitor.pid}/fd/${usersPlace(attachment)}` }),
      filesDirectory: join(claim.directory, "files"),
      ...(shm === undefined ? {} : { shm: { path: shm.target } }),
      ...(options.size === undefined ? {} : { size: options.size }),
    });
    hastenCgroupMove();
    runtime.writeBundle({ bundle: claim.bundle, spec });
    writeHealthProcess(record, spec, claim.bundle);
    await session.ready();
    return { monitor, session, spec };
  } catch (error) {
    session[Symbol.dispose]();
    await monitor.exited.catch(() => {});
    throw error;
  }
}

type Root = Disposable & { readonly target: string };

/** What is written into the root before the container has it, is written by the host's users. */
async function prepareRoot(parts: Parts, { record, claim, users }: Making): Promise<Root> {
  const root = mountRoot(parts, record, { claim });
  try {
    await fillVolumes(parts, record, root.target);
    makeWorkingDirectory(parts, record, root.target);
  } catch (error) {
    root[Symbol.dispose]();
    throw error;
  }
  if (users === undefined) return root;
  root[Symbol.dispose]();
  return mountRoot(parts, record, { claim, users });
}

/** `--ipc container:NAME` shares what the other one has at /dev/shm, too. */
function joinSharedMemory(
  { host, store }: Parts,
  { namespaces }: ContainerRecord,
  claim: ContainerClaim,
): Mount | undefined {
  const name = /^container:(.+)$/.exec(namespaces.ipc)?.[1];
  const pid = name === undefined ? 0 : store.get(name).state.pid;
  if (pid === 0) return undefined;
  const target = join(claim.directory, "shm");
  mkdirSync(target, { recursive: true });
  return host.mounts.takeFrom(pid, "/dev/shm", target);
}

interface RootOf {
  readonly claim: ContainerClaim;
  readonly users?: OwnUsers;
}

function mountRoot(
  { host, root, store, snapshots }: Parts,
  record: ContainerRecord,
  { claim, users }: RootOf,
): Root {
  const target = join(claim.directory, "rootfs");
  const directory = store.directory(record.id);
  const work = join(directory, "work");
  mkdirSync(target, { recursive: true });
  // The kernel's mark that the work directory was used by a volatile mount, when the container is started again.
  const mark = join(work, "work", "incompat");
  if (record.remove && existsSync(mark)) removeTree(mark);
  const layers = {
    target,
    lower: record.snapshot === undefined ? [] : snapshots.layers(record.snapshot as SnapshotName),
    upper: join(directory, "fs"),
    work,
    isVolatile: record.remove,
  };
  if (users === undefined) return host.mounts.overlay(layers);
  // The whole store once, with the owners that its files have in there; the overlay keeps what it is made of.
  const view = join(claim.directory, "mapped");
  mkdirSync(view, { recursive: true });
  for (const folder of [dirname(claim.directory), claim.directory]) chmodSync(folder, 0o711);
  using mapped = host.mounts.mapped(root, view, users.namespace);
  const inView = (path: string): string => join(mapped.target, relative(root, path));
  return host.mounts.overlay({
    ...layers,
    lower: layers.lower.map(inView),
    upper: inView(layers.upper),
    work: inView(work),
    ...(record.namespaces.firstUser !== undefined && { owner: record.namespaces.firstUser }),
  });
}

/** Where the monitor finds what it inherits; 3 is its first connection. */
const inherited = { namespace: 4, claim: 5, first: 6 } as const;

function usersPlace({ held }: Attachment): number {
  return inherited.first + held.listeners.length + held.others.length;
}

function spawnMonitor(parts: Parts, making: Making): Running {
  const { record, claim, attachment, runtime, options, users } = making;
  const { held } = attachment;
  const listeners = held.listeners.map((_, at) => inherited.first + at);
  const args = monitorArguments(parts, {
    record,
    runtime,
    listeners,
    isAttached: options.isAttached,
    ...(held.namespace === undefined ? {} : { namespace: inherited.namespace }),
  });
  return parts.host.processes.spawn(findMonitor(), args, {
    cwd: claim.bundle,
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    detached: true,
    stdio: [
      "ignore",
      "ignore",
      "ignore",
      "pipe",
      held.namespace ?? "ignore",
      claim.fd,
      ...held.listeners,
      ...held.others,
      ...(users === undefined ? [] : [users.namespace.fd]),
    ],
  });
}

function failedState(error: unknown): ContainerRecord["state"] {
  const exitCode =
    error instanceof LighterError &&
    (error.code === "COMMAND_NOT_FOUND" || error.code === "COMMAND_NOT_EXECUTABLE")
      ? error.kind.exit
      : 128;
  return { ...createdState, exitCode, error: errorMessage(error) };
}
