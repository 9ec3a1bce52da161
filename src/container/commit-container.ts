import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { Image } from "#image";
import type { Healthcheck, ImageConfig, ProcessConfig, Reference } from "#oci";
import type { SnapshotName } from "#snapshot";
import type { ContainerRecord, HealthSettings } from "./container-record.ts";
import { pauseContainer, unpauseContainer } from "./control-container.ts";
import type { Parts } from "./parts.ts";

/** What `docker commit` asks for. */
export interface CommitRequest {
  /** The image that the container was made of. */
  readonly image: Image;
  readonly names: readonly Reference[];
  readonly author?: string;
  readonly comment?: string;
  /** Lets the container run on meanwhile. */
  readonly noPause?: boolean;
  /** Changes the configuration, which is the container's. */
  readonly change?: (config: ImageConfig) => ProcessConfig;
}

/** Makes an image of what a container changed. @throws RUNTIME_FAILED */
export async function commitContainer(
  parts: Parts,
  record: ContainerRecord,
  request: CommitRequest,
): Promise<Image> {
  const mustPause = record.state.status === "running" && request.noPause !== true;
  if (mustPause) await pauseContainer(parts, record);
  try {
    return await makeImage(parts, record, request);
  } finally {
    if (mustPause) await unpauseContainer(parts, parts.store.get(record.id));
  }
}

async function makeImage(parts: Parts, record: ContainerRecord, request: CommitRequest): Promise<Image> {
  using _lock = await parts.use();
  const { snapshots, images, host, store } = parts;
  await using active = snapshots.prepare(record.snapshot as SnapshotName | undefined);
  // Whiteouts and attributes of the overlay have to come along, which cp -a does for root.
  const { status, stderr } = await host.processes.run("cp", [
    "-a",
    `${join(store.directory(record.id), "fs")}/.`,
    active.upper,
  ]);
  if (status !== 0)
    throw new LighterError("RUNTIME_FAILED", `cannot commit "${record.name}": ${stderr.toString().trim()}`);
  rmSync(join(active.upper, ".dockerenv"), { force: true });
  const snapshot = snapshots.commit(active, `commit-${randomBytes(16).toString("hex")}`);
  const layer = await images.commitLayer(snapshot);
  return images.create({
    config: changed(configOf(record, request), request),
    layers: [...request.image.layers.map(({ descriptor, diffId }) => ({ descriptor, diffId })), layer],
    names: request.names,
  });
}

function changed(config: ImageConfig, { change }: CommitRequest): ImageConfig {
  return change === undefined ? config : { ...config, config: change(config) };
}

/** A probe of lighter's own needs lighter: images have none. */
function healthOf(health: HealthSettings): Healthcheck {
  const { probe, ...check } = health;
  void probe;
  return check;
}

/** An image says nothing of what it has not. */
function withoutEmpty(config: ProcessConfig): ProcessConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null && value !== ""));
}

function configOf(record: ContainerRecord, request: CommitRequest): ImageConfig {
  const { process: program, exposedPorts, labels } = record;
  const from = request.image.config;
  const created = new Date().toISOString();
  const isOwnSignal = record.stopSignal !== (from.config?.StopSignal ?? "SIGTERM");
  const ports = Object.fromEntries(exposedPorts.map((port) => [port, {}]));
  return {
    ...from,
    created,
    ...(request.author === undefined ? {} : { author: request.author }),
    config: withoutEmpty({
      ...from.config,
      Env: program.env.filter((text) => text.includes("=")),
      Cmd: program.args.slice(program.entrypointLength),
      ...(program.entrypointLength > 0
        ? { Entrypoint: program.args.slice(0, program.entrypointLength) }
        : {}),
      WorkingDir: program.cwd,
      User: program.user,
      Labels: labels,
      ...(exposedPorts.length > 0 ? { ExposedPorts: ports } : {}),
      ...(record.health === undefined ? {} : { Healthcheck: healthOf(record.health) }),
      ...(isOwnSignal ? { StopSignal: record.stopSignal } : {}),
    }),
    history: [
      ...(from.history ?? []),
      {
        created,
        created_by: program.args.join(" "),
        ...(request.comment === undefined ? {} : { comment: request.comment }),
        ...(request.author === undefined ? {} : { author: request.author }),
      },
    ],
  };
}
