import { mkdirSync } from "node:fs";
import { LighterError } from "#base";
import { randomHex } from "#host";
import { type ContainerClaim, claimContainer } from "#runtime";
import { checkLimits } from "./check-limits.ts";
import { tell } from "./container-events.ts";
import type { ContainerRecord } from "./container-record.ts";
import { describeContainer, hostnameOf } from "./describe-container.ts";
import { checkDiskLimits } from "./device-limits.ts";
import type { MountPoint } from "./mount-point.ts";
import type { Parts } from "./parts.ts";
import type { RunRequest } from "./run-request.ts";
import { securityOptions } from "./spec-settings.ts";
import { checkPassable, chooseUsers, readSubuids } from "./user-namespace.ts";

/** Makes the record, the writable layer and the volumes; nothing runs yet. */
export function createContainer(parts: Parts, request: RunRequest): Promise<ContainerRecord> {
  return makeContainer(parts, request, { id: newId(), isRun: false });
}

/**
 * Makes a container that is to start at once. It is claimed before it has a record, so that a sweep can tell it from
 * one whose maker died.
 */
export async function createClaimed(
  parts: Parts,
  request: RunRequest,
): Promise<{ readonly record: ContainerRecord; readonly claim: ContainerClaim }> {
  const id = newId();
  mkdirSync(parts.runDirectory, { recursive: true, mode: 0o711 });
  const claim = claimContainer(parts.host, parts.runDirectory, id);
  try {
    const record = await makeContainer(parts, request, { id, isRun: true });
    request.onCreated?.(record);
    return { record, claim };
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
}

function newId(): string {
  return randomHex(32);
}

async function makeContainer(
  parts: Parts,
  request: RunRequest,
  { id, isRun }: { readonly id: string; readonly isRun: boolean },
): Promise<ContainerRecord> {
  const description = describeContainer(
    withPeers(parts, request),
    mountsFrom(parts, request.volumesFrom ?? []),
  );
  checkPlatform(parts, request);
  if (description.namespaces.user === "auto") checkPassable(parts.root);
  securityOptions(description.security.options);
  checkLimits(description.limits);
  checkDiskLimits(parts.host, description.limits);
  using _lock = await parts.use();
  const { image, signal, onProgress } = request;
  const snapshot = await parts.images.unpack(image, {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  await parts.store.create(id, request.name, (name) => ({
    ...description,
    id,
    name,
    ...(isRun ? { isRun } : {}),
    ...(isRun && request.stdio === "none" ? { isDetached: true } : {}),
    hostname: hostnameOf(request, id),
    namespaces: {
      cgroup: cgroupNamespace(parts),
      ...description.namespaces,
      ...(description.namespaces.user === "auto"
        ? { firstUser: chooseUsers(readSubuids(), parts.store.list()) }
        : {}),
    },
    mounts: description.mounts.map((mount) => withSource(parts, mount)),
    ...(snapshot === undefined ? {} : { snapshot }),
  }));
  const record = parts.store.get(id);
  tell(parts, "create", record);
  return record;
}

/** What is shared with another container names it by its ID: that has it by another name, too. */
function withPeers({ store }: Parts, request: RunRequest): RunRequest {
  const peer = (text: string | undefined): string | undefined => {
    const name = /^container:(.+)$/.exec(text ?? "")?.[1];
    return name === undefined ? text : `container:${store.get(name).id}`;
  };
  const { network, pid, ipc } = request;
  const named = Object.entries({ network: peer(network), pid: peer(pid), ipc: peer(ipc) });
  return { ...request, ...Object.fromEntries(named.filter(([, value]) => value !== undefined)) };
}

/** Docker's default. */
function cgroupNamespace({ host }: Parts): "host" | "private" {
  return host.probes.cgroupMode() === "v2" ? "private" : "host";
}

/** @throws KERNEL_UNSUPPORTED when nothing here runs the programs of the image */
function checkPlatform({ host }: Parts, { image, imageName }: RunRequest): void {
  const { os, architecture } = image.config;
  if (host.probes.runsArchitecture(architecture)) return;
  throw new LighterError(
    "KERNEL_UNSUPPORTED",
    `cannot run image "${imageName}": it is for ${os}/${architecture}, and no emulator for that is registered (binfmt_misc with flag F); install qemu-user-static`,
  );
}

/** `--volumes-from`: the volumes and bind mounts of other containers. @throws CONTAINER_NOT_FOUND, CONTAINER_INVALID */
function mountsFrom({ store }: Parts, words: readonly string[]): readonly MountPoint[] {
  return words.flatMap((word) => {
    const [name = "", mode = "", more] = word.split(":");
    if (more !== undefined || !["", "ro", "rw", "z", "Z"].includes(mode))
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot take volumes from "${word}": want CONTAINER[:ro|:rw]`,
      );
    const shared = store.get(name).mounts.filter(({ type }) => type !== "tmpfs");
    return shared.map((mount) => ({
      ...mount,
      readOnly: mode === "ro" || mount.readOnly,
    }));
  });
}

/** Volumes are made with the first container that names them. */
function withSource({ volumes }: Parts, mount: MountPoint): MountPoint {
  if (mount.type !== "volume") return mount;
  const isAnonymous = mount.isAnonymous === true;
  const { labels, driverOptions, ...kept } = mount;
  const { name, options } = volumes.ensure(mount.name, {
    isAnonymous,
    ...(labels && { labels }),
    ...(driverOptions && { options: driverOptions }),
  });
  const source = volumes.dataDirectory(name);
  return { ...kept, name, source, ...(options["device"] === undefined ? {} : { isOfHost: true }) };
}
