export type { ContainerRecord, ContainerState } from "./container-record.ts";
export { type Containers, type ContainersOptions, createContainers } from "./create-containers.ts";
export type { RunRequest } from "./run-request.ts";
