export type { Attachment, AttachRequest, NetworkProvider, PortMapping } from "./network-provider.ts";
export type { ContainerProcess, ProcessStdio, Runtime } from "./runtime.ts";
export type { RuntimeSpec } from "./runtime-spec.ts";
