export type { CommitRequest } from "./commit-container.ts";
export type {
  ContainerRecord,
  ContainerState,
  HealthSettings,
  HealthState,
  Limits,
  LogSettings,
  NetworkSettings,
  RestartPolicy,
} from "./container-record.ts";
export { isLive } from "./container-record.ts";
export type { ArchiveCopyRequest } from "./copy-archive.ts";
export type { CopyRequest } from "./copy-files.ts";
export { type Containers, createContainers } from "./create-containers.ts";
export type { Change } from "./diff-container.ts";
export type { ExecRequest } from "./exec-container.ts";
export type { MountPoint } from "./mount-point.ts";
export type { Usage } from "./observe-container.ts";
export type { ContainersOptions } from "./parts.ts";
export type { LogEntry, LogOptions } from "./read-logs.ts";
export type { Parting } from "./run-container.ts";
export type { ContainerOptions, RunRequest, StreamName, StreamOptions } from "./run-request.ts";
export { signalNumber } from "./signals.ts";
export type { UpdateRequest } from "./update-container.ts";
export type { Volume } from "./volume-store.ts";
