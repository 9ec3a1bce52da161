export { createHost, type HostOptions } from "./create-host.ts";
export type {
  CgroupMode,
  Channel,
  Codecs,
  Files,
  Firewall,
  Host,
  Link,
  Links,
  Lock,
  Locks,
  Mount,
  Mounts,
  Namespaces,
  NetworkNamespace,
  OverlayMount,
  Probes,
  Processes,
  Running,
  RunOptions,
  RunResult,
  Seccomp,
  SeccompProfile,
  SocketOptions,
  Sockets,
  SpawnOptions,
  UserNamespace,
} from "./host.ts";
export { decodeAddress, encodeAddress, encodeCidr, type InternetAddress } from "./internet-address.ts";
export { findOwnFile } from "./own-file.ts";
export { findOwnProgram } from "./own-program.ts";
export { partialPath } from "./partial-path.ts";
export { randomHex } from "./random-hex.ts";
export { removeFile, removeTree } from "./remove-tree.ts";
export { sha256 } from "./sha256.ts";
export { streamChannel } from "./stream-channel.ts";
export { errnoOf } from "./system-error.ts";
