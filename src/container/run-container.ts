import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname as hostName } from "node:os";
import { join } from "node:path";
import { Cleanup, isLighterError } from "#base";
import {
  type Attachment,
  buildSpec,
  type ContainerClaim,
  claimContainer,
  type ProcessStdio,
  prepareMountPoints,
  type Runtime,
  type RuntimeSpec,
  readSpecFacts,
  resolveUser,
} from "#runtime";
import type { SnapshotName } from "#snapshot";
import { checkName } from "./container-name.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerStore } from "./container-store.ts";
import type { ContainersOptions } from "./create-containers.ts";
import { parseExtraHost } from "./extra-host.ts";
import { processSettings } from "./process-settings.ts";
import { RecordKeeper } from "./record-keeper.ts";
import { removalMark } from "./removal-mark.ts";
import type { RunRequest } from "./run-request.ts";
import { parseVolumes, volumeMount } from "./volume.ts";

/** What a shell says of a program killed by SIGKILL. */
const killedStatus = 137;

interface Parts extends ContainersOptions {
  readonly store: ContainerStore;
  readonly runDirectory: string;
}

/** Claim, record, root, network, bundle, process; undone in reverse, whatever happens. */
export async function runContainer(parts: Parts, request: RunRequest): Promise<number> {
  const { host, store, runDirectory } = parts;
  const described = describe(request);
  host.mounts.enterPrivateNamespace();
  await using undo = new Cleanup();
  const runtime = await parts.runtime();
  const snapshot = await parts.images.unpack(request.image, optionalSignal(request));
  const id = randomBytes(32).toString("hex");
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  const claim = undo.use(claimContainer(host, runDirectory, id));
  const record = await store.create(id, request.name, (name) => ({
    ...described,
    id,
    name,
    hostname: hostnameOf(request, id),
  }));
  const keeper = new RecordKeeper(store, record);
  undo.defer(() => keeper.close());
  return await keeper.watch(async () => {
    const attachment = undo.use(await attach(parts, request, record));
    const rootfs = mountRoot(parts, { claim, snapshot, undo });
    keeper.joined(attachment);
    const spec = makeSpec(parts, { request, record, rootfs, attachment });
    keeper.started();
    try {
      const status = await start(runtime, { claim, spec, request });
      keeper.ended(status);
      return status;
    } finally {
      // The kernel takes its time to remove links: it begins while the root is unmounted.
      Promise.resolve(attachment[Symbol.asyncDispose]()).catch(() => {});
    }
  });
}

/** The record as far as the request decides it. */
function describe(request: RunRequest): Omit<ContainerRecord, "id" | "name" | "hostname"> {
  if (request.name !== undefined) checkName(request.name);
  for (const text of request.extraHosts ?? []) parseExtraHost(text);
  return {
    version: 1,
    image: { id: request.image.id, name: request.imageName },
    created: new Date().toISOString(),
    process: processSettings(request.image.config.config ?? {}, request),
    network: { name: request.network ?? "bridge", ports: request.ports ?? [] },
    mounts: parseVolumes(request.volumes ?? []),
    readOnly: request.readOnly ?? false,
    tty: request.tty ?? false,
    remove: request.remove ?? false,
    state: { status: "created" },
  };
}

/** On the host's network a container has the host's name, as docker does. */
function hostnameOf(request: RunRequest, id: string): string {
  return request.hostname ?? (request.network === "host" ? hostName() : id.slice(0, 12));
}

function mountRoot(
  { host, store, snapshots }: Parts,
  made: {
    readonly claim: ContainerClaim;
    readonly snapshot: SnapshotName | undefined;
    readonly undo: Cleanup;
  },
): string {
  const target = join(made.claim.directory, "rootfs");
  const directory = store.directory(made.claim.id);
  mkdirSync(target);
  made.undo.use(
    host.mounts.overlay({
      target,
      lower: made.snapshot === undefined ? [] : snapshots.layers(made.snapshot),
      upper: join(directory, "fs"),
      work: join(directory, "work"),
    }),
  );
  return target;
}

async function attach({ network }: Parts, request: RunRequest, record: ContainerRecord): Promise<Attachment> {
  return await network.attach({
    containerId: record.id,
    containerName: record.name,
    hostname: record.hostname,
    network: record.network.name,
    ports: request.ports ?? [],
    extraHosts: (request.extraHosts ?? []).map(parseExtraHost),
  });
}

function makeSpec(
  { host, store }: Parts,
  made: {
    readonly request: RunRequest;
    readonly record: ContainerRecord;
    readonly rootfs: string;
    readonly attachment: Attachment;
  },
): RuntimeSpec {
  const { record, rootfs, attachment } = made;
  const { args, env, cwd, user } = record.process;
  makeSources(record);
  // Docker makes a working directory that the image lacks; it stays, being the container's own.
  prepareMountPoints(host, rootfs, [{ destination: cwd }]);
  return buildSpec(
    {
      id: record.id,
      rootfs,
      readOnly: record.readOnly,
      args,
      env,
      cwd,
      user: resolveUser(host, rootfs, user),
      hostname: record.hostname,
      network: attachment.namespacePath === undefined ? "host" : { path: attachment.namespacePath },
      files: writeNetworkFiles(store.directory(record.id), record, attachment),
      mounts: record.mounts.map(volumeMount),
      terminal: record.tty,
    },
    readSpecFacts(host),
  );
}

/** `-v` makes a directory of the host that is missing, as docker does. */
function makeSources(record: ContainerRecord): void {
  for (const { source } of record.mounts) mkdirSync(source, { recursive: true });
}

function writeNetworkFiles(directory: string, record: ContainerRecord, attachment: Attachment) {
  const write = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o644 });
    return path;
  };
  return {
    hosts: write("hosts", attachment.hosts),
    resolvConf: write("resolv.conf", attachment.resolvConf),
    hostname: write("hostname", `${record.hostname}\n`),
  };
}

async function start(
  runtime: Runtime,
  made: { readonly claim: ContainerClaim; readonly spec: RuntimeSpec; readonly request: RunRequest },
): Promise<number> {
  const { claim, spec, request } = made;
  try {
    const stdio = stdioOf(request);
    return await runtime.run({ id: claim.id, bundle: claim.bundle, spec, stdio, ...optionalSignal(request) });
  } catch (error) {
    // Killed while it was starting, the runtime tells of a broken pipe; the container was removed, and that is no fault.
    if (isLighterError(error, "RUNTIME_FAILED") && existsSync(removalMark(claim.directory)))
      return killedStatus;
    throw error;
  }
}

function stdioOf({ stdio = "inherit", interactive = false, tty = false }: RunRequest): ProcessStdio {
  if (stdio !== "inherit") return { kind: "capture", ...stdio };
  return { kind: "inherit", stdin: interactive || tty ? "inherit" : "ignore" };
}

function optionalSignal({ signal }: RunRequest): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
