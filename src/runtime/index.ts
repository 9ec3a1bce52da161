export { buildSpec, type SpecOptions } from "./build-spec.ts";
export { hastenCgroupMove, keepCgroupMoveQuick } from "./cgroups.ts";
export { lockClaim, lockDeadClaim, removeClaim } from "./claim-directory.ts";
export { type ContainerClaim, claimContainer, sweepContainers } from "./container-claim.ts";
export { findMonitor } from "./find-monitor.ts";
export { type FindRuntimeOptions, findRuntime } from "./find-runtime.ts";
export { prepareMountPoints } from "./mount-points.ts";
export type {
  Attachment,
  AttachRequest,
  DnsSettings,
  EndpointFacts,
  EndpointRequest,
  HeldDescriptors,
  NetworkingRequest,
  NetworkProvider,
  PortMapping,
} from "./network-provider.ts";
export { readFileInRoot } from "./read-in-root.ts";
export { canLimitSwap, type DeviceNumber, type ResourceLimits, specResources } from "./resources.ts";
export type { ContainerProcess, ExecProcess, ProcessStdio, Runtime, RuntimeName } from "./runtime.ts";
export type { RuntimeSpec, SpecDevice, SpecMount, SpecProcess } from "./runtime-spec.ts";
export { isAtLeast } from "./seccomp.ts";
export {
  allCapabilities,
  defaultCapabilities,
  defaultCgroupParent,
  maskedPaths,
  readonlyPaths,
} from "./spec-defaults.ts";
export { readSpecFacts, type SpecFacts } from "./spec-facts.ts";
export { type ResolvedUser, resolveUser } from "./user.ts";
