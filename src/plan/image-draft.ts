import type { Digest, Healthcheck, ImageConfig, Platform, ProcessConfig } from "#oci";
import type { HistoryStep } from "./graph.ts";
import { PersistentMap } from "./persistent-map.ts";

/** History as a list that stages share: a stage adds to the head of its base's. */
export interface HistoryNode {
  readonly before?: HistoryNode;
  readonly step: HistoryStep;
}

/**
 * The image config of a stage while its instructions are read. What it holds is replaced, never changed, but for
 * `onbuild`, which no other draft has.
 */
export interface ImageDraft {
  platform: Platform;
  author?: string;
  user?: string;
  workdir: string;
  entrypoint?: readonly string[] | undefined;
  command?: readonly string[] | undefined;
  argsEscaped?: boolean;
  shell?: readonly string[];
  stopSignal?: string;
  healthcheck?: Healthcheck;
  /** `NAME=value` by NAME; a variable that is set again keeps its place. */
  env: PersistentMap<string>;
  labels: PersistentMap<string>;
  ports: PersistentMap<true>;
  volumes: PersistentMap<true>;
  onbuild: string[];
  history?: HistoryNode;
  /** The image that the stage goes back to: its history, its layers and what else its config says. */
  readonly base?: ImageConfig;
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The image of `FROM scratch`. */
export function emptyDraft(platform: Platform): ImageDraft {
  const draft = freshDraft(platform);
  ensurePath(draft);
  return draft;
}

/** The image of a stage that starts from a base image. */
export function draftOf(base: ImageConfig): ImageDraft {
  const config = base.config ?? {};
  return {
    ...freshDraft(platformOf(base)),
    ...scalarsOf(config),
    ...(base.author !== undefined && { author: base.author }),
    workdir: config.WorkingDir ?? "",
    env: PersistentMap.of((config.Env ?? []).map((entry) => [variableName(entry), entry])),
    labels: PersistentMap.of(Object.entries(config.Labels ?? {})),
    ports: setOf(config.ExposedPorts),
    volumes: setOf(config.Volumes),
    onbuild: [...(config.OnBuild ?? [])],
    base,
  };
}

function freshDraft(platform: Platform): ImageDraft {
  const empty = PersistentMap.empty<never>();
  return { platform, workdir: "/", onbuild: [], env: empty, labels: empty, ports: empty, volumes: empty };
}

function setOf(record: object | undefined): PersistentMap<true> {
  return PersistentMap.of(Object.keys(record ?? {}).map((key) => [key, true]));
}

function scalarsOf(config: ProcessConfig): Partial<ImageDraft> {
  return {
    ...(config.User !== undefined && { user: config.User }),
    ...(config.Entrypoint !== undefined && { entrypoint: config.Entrypoint }),
    ...(config.Cmd !== undefined && { command: config.Cmd }),
    ...(config.ArgsEscaped !== undefined && { argsEscaped: config.ArgsEscaped }),
    ...(config.Shell !== undefined && { shell: config.Shell }),
    ...(config.StopSignal !== undefined && { stopSignal: config.StopSignal }),
    ...(config.Healthcheck !== undefined && { healthcheck: config.Healthcheck }),
  };
}

/** The draft of a stage that starts from another stage. */
export function inheritDraft(draft: ImageDraft): ImageDraft {
  return { ...draft, onbuild: [] };
}

/** Sees to it that there is a PATH; a base that sets none gets the usual one. */
export function ensurePath(draft: ImageDraft): void {
  if (!draft.env.has("PATH") && draft.platform.os !== "windows")
    draft.env = draft.env.set("PATH", defaultPath);
}

/** Adds a line of history. */
export function addHistory(draft: ImageDraft, step: HistoryStep): void {
  draft.history = draft.history === undefined ? { step } : { before: draft.history, step };
}

/** The lines of history since the base image, oldest first. */
export function historyOf(draft: ImageDraft): HistoryStep[] {
  const steps: HistoryStep[] = [];
  for (let node = draft.history; node !== undefined; node = node.before) steps.push(node.step);
  return steps.reverse();
}

/** The config without `created`; history and layers are the base image's. */
export function configOf(draft: ImageDraft, labels: Readonly<Record<string, string>> = {}): ImageConfig {
  const { created: _created, config: _config, ...rest } = draft.base ?? {};
  return {
    ...rest,
    ...draft.platform,
    ...(hasText(draft.author) && { author: draft.author }),
    config: processConfig(draft, labels),
    rootfs: { type: "layers", diff_ids: draft.base === undefined ? [] : diffIdsOf(draft.base) },
    history: draft.base?.history ?? [],
  };
}

/** The layers of a config. Images made by Go programs say `null` for none, and old ones leave `rootfs` out. */
export function diffIdsOf(config: {
  readonly rootfs?: { readonly diff_ids?: readonly Digest[] | null };
}): readonly Digest[] {
  return config.rootfs?.diff_ids ?? [];
}

function processConfig(draft: ImageDraft, labels: Readonly<Record<string, string>>): ProcessConfig {
  const allLabels = { ...Object.fromEntries(draft.labels.entries()), ...labels };
  return {
    ...unknownKeys(draft.base?.config ?? {}),
    ...(hasText(draft.user) && { User: draft.user }),
    ...(draft.ports.size > 0 && { ExposedPorts: emptyRecord(keysOf(draft.ports)) }),
    ...(draft.env.size > 0 && { Env: draft.env.entries().map(([, entry]) => entry) }),
    ...(hasItems(draft.entrypoint) ? { Entrypoint: draft.entrypoint } : {}),
    ...(hasItems(draft.command) ? { Cmd: draft.command } : {}),
    ...(draft.argsEscaped === true && { ArgsEscaped: draft.argsEscaped }),
    ...(draft.volumes.size > 0 && { Volumes: emptyRecord(keysOf(draft.volumes)) }),
    ...(draft.workdir !== "" && { WorkingDir: draft.workdir }),
    ...(Object.keys(allLabels).length > 0 && { Labels: sortedRecord(allLabels) }),
    ...(hasText(draft.stopSignal) && { StopSignal: draft.stopSignal }),
    ...(draft.healthcheck !== undefined && { Healthcheck: draft.healthcheck }),
    ...(hasItems(draft.shell) && { Shell: draft.shell }),
    ...(draft.onbuild.length > 0 && { OnBuild: [...draft.onbuild] }),
  };
}

/** What is empty is left out, as Go's omitempty does: the bytes of a config are its identity. */
function hasItems(list: readonly string[] | undefined): list is readonly string[] {
  return list !== undefined && list.length > 0;
}

function hasText(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

const knownKeys: ReadonlySet<string> = new Set([
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "ArgsEscaped",
  "Healthcheck",
  "Shell",
  "OnBuild",
]);

/** What a base image's config says beyond the specification: kept as it is. */
function unknownKeys(config: ProcessConfig): object {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !knownKeys.has(key)));
}

function keysOf(set: PersistentMap<true>): string[] {
  return set.entries().map(([key]) => key);
}

function emptyRecord(keys: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(keys.toSorted().map((key) => [key, {}]));
}

function sortedRecord(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function platformOf(config: ImageConfig): Platform {
  const { os, architecture, variant } = config;
  return {
    os,
    architecture,
    ...(variant !== undefined && { variant }),
    ...(config["os.version"] !== undefined && { "os.version": config["os.version"] }),
    ...(config["os.features"] !== undefined && { "os.features": config["os.features"] }),
  };
}

/** `NAME` of `NAME=value`. */
export function variableName(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}

/** `value` of `NAME=value`. */
export function variableValue(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? "" : entry.slice(equals + 1);
}
