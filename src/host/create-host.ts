import { createCodecs } from "./codecs.ts";
import { createFiles } from "./files.ts";
import { createFirewall } from "./firewall.ts";
import type { Host } from "./host.ts";
import { createLinks } from "./links.ts";
import { createLocks } from "./locks.ts";
import { createMounts } from "./mounts.ts";
import { createNamespaces } from "./namespaces.ts";
import { createProbes } from "./probes.ts";
import { createProcesses } from "./processes.ts";
import { createSeccomp } from "./seccomp.ts";
import { createSockets } from "./sockets.ts";
import { openSys, type Sys } from "./sys.ts";
import { takeUmask } from "./umask.ts";

/** How a host is opened. */
export interface HostOptions {
  /** The value of PATH. @defaultValue the system's own directories */
  readonly path?: string;
}

/**
 * The host that this process runs on, whose umask is 022 from then on. Nothing is loaded or probed until a capability is
 * first touched; making one costs nothing and one is enough for a process.
 */
export function createHost(options: HostOptions = {}): Host {
  const sys = once((): Sys => openSys());
  const processes = once(() => createProcesses(options.path, sys));
  const files = once(() => createFiles(sys()));
  const locks = once(() => createLocks(sys()));
  const mounts = once(() => createMounts(sys()));
  const namespaces = once(() => createNamespaces(sys()));
  const links = once(() => createLinks(sys()));
  const sockets = once(() => createSockets(sys()));
  const firewall = once(() => createFirewall(sys(), processes()));
  const codecs = once(() => createCodecs(sys, processes()));
  const probes = once(() => createProbes());
  const seccomp = once(() => createSeccomp(sys()));
  return {
    callerUmask: takeUmask(),
    get files() {
      return files();
    },
    get locks() {
      return locks();
    },
    get mounts() {
      return mounts();
    },
    get namespaces() {
      return namespaces();
    },
    get processes() {
      return processes();
    },
    get links() {
      return links();
    },
    get sockets() {
      return sockets();
    },
    get firewall() {
      return firewall();
    },
    get codecs() {
      return codecs();
    },
    get probes() {
      return probes();
    },
    get seccomp() {
      return seccomp();
    },
  };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
