import { chownSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import {
  type Attachment,
  buildSpec,
  isAtLeast,
  prepareMountPoints,
  type RuntimeSpec,
  readSpecFacts,
  resolveUser,
} from "#runtime";
import type { ContainerRecord } from "./container-record.ts";
import { type MountPoint, specMount } from "./mount-point.ts";
import type { Parts } from "./parts.ts";
import { initMounts, specSettings, withInit } from "./spec-settings.ts";
import { withGroups } from "./user-groups.ts";

interface SpecRequest {
  readonly record: ContainerRecord;
  readonly rootfs: string;
  readonly attachment: Attachment;
  /** As the runtime, a child of the monitor, finds it. */
  readonly namespacePath: string | undefined;
  readonly userNamespacePath?: string;
  readonly shm?: { readonly path: string };
  /** Where its network files go that it can reach. */
  readonly filesDirectory: string;
  readonly size?: { readonly rows: number; readonly columns: number };
}

/** The runtime's description of a container whose root is mounted. @throws USER_NOT_FOUND, CONTAINER_INVALID */
export function makeSpec(parts: Parts, request: SpecRequest): RuntimeSpec {
  const { host } = parts;
  const { record, rootfs, namespacePath, size } = request;
  const { args, env, cwd, user } = record.process;
  makeSources(record);
  const facts = readSpecFacts(host);
  const factsOf = (mount: MountPoint) => ({
    hasOwnUsers: record.namespaces.firstUser !== undefined,
    // Of a file crun would want a directory, and below a file nothing is mounted.
    reachesBelow: isAtLeast(facts.kernelRelease, "5.12") && isDirectory(mount),
  });
  const spec = buildSpec(
    {
      id: record.id,
      rootfs,
      readOnly: record.readOnly,
      args: withInit(record, args),
      env,
      cwd,
      user: withGroups(host, rootfs, resolveUser(host, rootfs, user), record.groupAdd),
      hostname: record.hostname,
      network: namespacePath === undefined ? "host" : { path: namespacePath },
      files: networkFiles(parts, request),
      mounts: [
        ...record.mounts.map((mount) => specMount(mount, factsOf(mount))),
        ...(initMounts(record) ?? []),
      ],
      ...(request.userNamespacePath === undefined ? {} : { userNamespace: request.userNamespacePath }),
      terminal: record.tty,
      ...specSettings(parts, record),
      ...(request.shm === undefined ? {} : { shm: request.shm }),
    },
    facts,
  );
  if (size === undefined) return spec;
  const consoleSize = { height: size.rows, width: size.columns };
  return { ...spec, process: { ...spec.process, consoleSize } };
}

function isDirectory(mount: MountPoint): boolean {
  return mount.type !== "tmpfs" && statSync(mount.source, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Docker makes a working directory that the image lacks; it stays, being the container's own. */
export function makeWorkingDirectory({ host }: Parts, record: ContainerRecord, rootfs: string): void {
  prepareMountPoints(host, rootfs, [{ destination: record.process.cwd }]);
}

/** `-v` makes a directory of the host that is missing, as docker does; `--mount` does not. */
function makeSources(record: ContainerRecord): void {
  for (const mount of record.mounts) {
    if (mount.type === "tmpfs" || existsSync(mount.source)) continue;
    if (mount.mustExist === true)
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot mount "${mount.source}": there is no such file or directory on the host`,
      );
    mkdirSync(mount.source, { recursive: true });
  }
}

/** Those of the record, which other rooms read; users of its own find theirs where they may go. */
function networkFiles({ store }: Parts, { record, attachment, filesDirectory }: SpecRequest) {
  const kept = writeNetworkFiles(store.directory(record.id), record, attachment);
  const { firstUser } = record.namespaces;
  if (firstUser === undefined) return kept;
  mkdirSync(filesDirectory, { recursive: true, mode: 0o711 });
  const own = writeNetworkFiles(filesDirectory, record, attachment);
  for (const path of Object.values(own)) chownSync(path, firstUser, firstUser);
  return own;
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

/** The health check as the runtime executes it: as the container's own process, with another command. */
export function writeHealthProcess(record: ContainerRecord, spec: RuntimeSpec, bundle: string): void {
  const [kind, ...words] = record.health?.Test ?? [];
  if (kind === undefined || record.health?.probe !== undefined) return;
  const args = kind === "CMD-SHELL" ? ["/bin/sh", "-c", words[0] ?? ""] : words;
  const { consoleSize: _, ...process } = spec.process;
  writeFileSync(join(bundle, "health.json"), JSON.stringify({ ...process, args, terminal: false }), {
    mode: 0o600,
  });
}
