import type { Readable, Writable } from "node:stream";

/**
 * Everything the engine asks of the kernel and of other programs, by capability. Rooms take only the capabilities
 * they need as parameters; tests hand in fakes. Each capability is loaded when it is first touched.
 */
export interface Host {
  readonly files: Files;
  readonly locks: Locks;
  readonly mounts: Mounts;
  readonly namespaces: Namespaces;
  readonly processes: Processes;
  readonly links: Links;
  readonly sockets: Sockets;
  readonly firewall: Firewall;
  readonly codecs: Codecs;
  readonly probes: Probes;
  readonly seccomp: Seccomp;
  /** The umask that the process was started with: for files that its user gets. */
  readonly callerUmask: number;
}

/** File calls that node:fs lacks. All synchronous; none follows a symbolic link in the last component. */
export interface Files {
  /** Names of the extended attributes of `path`; empty where the filesystem has none. */
  listXattrs(path: string): readonly string[];
  getXattr(path: string, name: string): Uint8Array | undefined;
  setXattr(path: string, name: string, value: Uint8Array): void;
  removeXattr(path: string, name: string): void;
  /** `mode` with the file type bits (S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK). A whiteout is a character device 0:0. */
  makeNode(path: string, mode: number, device: { major: number; minor: number }): void;
  /** Sets the modification (and access) time, with nanoseconds, of the entry itself, links included. */
  setTime(path: string, mtimeNs: bigint): void;
  /** Copies between open files by reflink, copy_file_range or read and write, whichever works, keeping holes. Returns bytes. */
  copyContents(fromFd: number, toFd: number, sizeBytes: number): number;
  /**
   * Where the next data of an open file lies, from an offset on: what is before it is a hole. Infinity when only a hole is left;
   * a filesystem that cannot tell holes has data everywhere.
   */
  findData(fd: number, offsetBytes: number): number;
  /**
   * Resolves `path` below `root` as a chroot would (symbolic links, `..` and absolute targets stay inside) with
   * openat2(RESOLVE_IN_ROOT), and returns an O_PATH descriptor that the caller closes; undefined when it is absent.
   * `/proc/self/fd/<n>` then names the entry for any further call with no race.
   * `followLast: false` returns a link in the last component itself. A loop of links throws (`details.errno` ELOOP).
   */
  openInRoot(root: string, path: string, options?: { readonly followLast?: boolean }): number | undefined;
  /** Flushes a directory or file to disk. */
  sync(path: string): void;
  /** Has the kernel begin to write a part of an open file to disk, without waiting for it. A hint: it cannot fail. */
  beginFlush(fd: number, offsetBytes: number, lengthBytes: number): void;
  /** Runs a synchronous function that makes files as another user, and group of that number, with all rights kept. */
  actingAs<T>(user: number, task: () => T): T;
  /**
   * Writes as pwrite(2) does, and has the kernel give the memory back as soon as the bytes are on the disk: for what is not
   * read soon. A kernel before 6.14 or a filesystem that cannot do so keeps them in its cache as ever.
   * @returns how many bytes were written
   */
  writeUncached(fd: number, bytes: Uint8Array, offsetBytes: number): number;
}

/** Advisory locks between processes (flock): released by the kernel when the holder dies. */
export interface Locks {
  /** Waits for the lock. `signal` ends the waiting with CANCELLED. */
  acquire(path: string, mode: "shared" | "exclusive", signal?: AbortSignal): Promise<Lock>;
  /** Takes the lock when it is free now; otherwise undefined. */
  tryAcquire(path: string, mode: "shared" | "exclusive"): Lock | undefined;
}

/** A held lock; disposing releases it. The file stays. */
export interface Lock extends Disposable {
  readonly path: string;
  /** A process that inherits the descriptor holds the lock too: it is free when the last of them has closed it. */
  readonly fd: number;
}

/** Mounts live in a private mount namespace of this process: they vanish with it, even after SIGKILL. */
export interface Mounts {
  /**
   * Moves the calling (main) thread into a private mount namespace (propagation: slave), once per process, and on a
   * hybrid cgroup host hides /sys/fs/cgroup/unified so that crun works. Idempotent. Must run before the first
   * asynchronous file call that has to see mounts.
   * @throws PRIVILEGE_MISSING without CAP_SYS_ADMIN
   */
  enterPrivateNamespace(): void;
  /** Mounts an overlay. With no upper directory it is read-only. Any number of lower directories (fsconfig lowerdir+). */
  overlay(options: OverlayMount): Mount;
  /** Binds `source` (file or directory) onto `target`. */
  bind(
    source: string,
    target: string,
    options?: { readonly readOnly?: boolean; readonly recursive?: boolean },
  ): Mount;
  /**
   * Binds `source` and what is mounted below it onto an open place, whatever its name leads to by now. It goes with the mount
   * that the place is in.
   */
  bindAt(source: string, placeFd: number, options?: { readonly readOnly?: boolean }): void;
  tmpfs(target: string, options?: { readonly sizeBytes?: number; readonly mode?: number }): Mount;
  /** Shows here what a process has at `path` of its own tree; undefined when nothing is there. */
  takeFrom(pid: number, path: string, target: string): Mount | undefined;
  /**
   * Shows `source` at `target` with the owners that its user IDs have inside a user namespace. An overlay may be made of
   * directories below it. @throws KERNEL_UNSUPPORTED where the filesystem or kernel (before 5.19) cannot
   */
  mapped(source: string, target: string, namespace: UserNamespace): Mount;
}

/** Lower directories: top first. */
export interface OverlayMount {
  readonly target: string;
  readonly lower: readonly string[];
  readonly upper?: string;
  readonly work?: string;
  /**
   * What is written need not survive a crash of the host: unmounting then does not write out the filesystem below, which
   * takes as long as all that anybody wrote to it. The work directory is of no use afterwards. Ignored before Linux 6.7.
   */
  readonly isVolatile?: boolean;
  /** The user, and group, of the host that the overlay itself acts as: root of the namespace that its directories are mapped into. */
  readonly owner?: number;
}

/** A mount; disposing unmounts it (lazily when busy). */
export interface Mount extends Disposable {
  readonly target: string;
}

export interface Namespaces {
  /** Makes an empty network namespace with loopback up, held only by this process and those that join it. */
  createNetwork(): NetworkNamespace;
  /** Opens the network namespace of a process. */
  openNetwork(pid: number): NetworkNamespace;
  /** Opens a network namespace by any path that names one (`/proc/<pid>/fd/<n>`). */
  openNetworkAt(path: string): NetworkNamespace;
  /** Opens the user namespace of a process. */
  openUser(pid: number): UserNamespace;
  /** What identifies a network namespace while it lives; undefined is the host's. */
  networkInode(namespace?: NetworkNamespace): number;
  /**
   * Runs a synchronous function on this thread inside a network namespace and comes back, whatever happens: for files below
   * /proc/thread-self/net and the like.
   */
  within<T>(namespace: NetworkNamespace | undefined, task: () => T): T;
}

/** Sockets of any network namespace, as descriptors: what Node's own cannot be told. The caller closes them. */
export interface Sockets {
  /** A bound socket; one of TCP or SCTP listens. Port 0 takes a free one. @throws SYSTEM_CALL_FAILED (`details.errno`) */
  bind(options: SocketOptions): { readonly fd: number; readonly port: number };
  /** Starts to connect and does not wait; {@link Sockets.outcome} tells later. Of UDP it sends one datagram. */
  connect(options: SocketOptions & { readonly datagram?: Uint8Array }): { readonly fd: number };
  /** What became of {@link Sockets.connect}. */
  outcome(fd: number): "connected" | "pending" | "refused" | "unreachable";
  /** One datagram that waits at a UDP socket; undefined when there is none. */
  receive(fd: number): Uint8Array | undefined;
  /** Whether the kernel knows a protocol. */
  has(protocol: SocketOptions["protocol"]): boolean;
}

export interface SocketOptions {
  readonly namespace?: NetworkNamespace;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** An IP address of either version. */
  readonly address: string;
  readonly port: number;
  /** For UDP: hears every datagram that reaches the namespace, whichever program it is for. IPv4 headers come with it. */
  readonly overhears?: boolean;
}

/** A network namespace held open by a descriptor; disposing drops this hold. */
export interface NetworkNamespace extends Disposable {
  readonly fd: number;
  /** A path by which another process can join it while this process lives: `/proc/<pid>/fd/<n>`. */
  readonly path: string;
}

/** A user namespace held open by a descriptor; disposing drops this hold. */
export interface UserNamespace extends Disposable {
  readonly fd: number;
}

/** Programs. No shell is ever involved. */
export interface Processes {
  /** Runs to the end and collects output. A non-zero status is a result, not an error. @throws PROGRAM_MISSING */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program with streams. @throws PROGRAM_MISSING */
  spawn(program: string, args: readonly string[], options: SpawnOptions): Running;
  /** Absolute path of a program on PATH, or undefined. */
  find(program: string): string | undefined;
  /** Ids of all processes that this one may see and that were started with exactly this argument. */
  listWithArgument(argument: string): readonly number[];
  /**
   * Kills a process, unless its number is another's by now: `isMeant` is asked once the kernel has been told which one.
   * On a kernel without pidfd_open(2) (before 5.3) it is asked right before. Without effect when it has ended.
   */
  killMeant(pid: number, isMeant: () => boolean): void;
  /** Sends a signal to any process. @returns false when it has ended */
  signal(pid: number, signal: NodeJS.Signals): boolean;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array | string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** It is killed, with all that it started, when this process ends, however that comes. */
  readonly endsWithParent?: boolean;
}

export interface RunResult {
  readonly status: number;
  /** Name of the signal that ended it (`SIGKILL`), when one did. */
  readonly signal?: string;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For stdin, stdout, stderr and further descriptors: the parent's, none, a pipe or a descriptor number. */
  readonly stdio: readonly ("inherit" | "ignore" | "pipe" | number)[];
  /** Own process group and session: the child outlives a Ctrl-C of the terminal. */
  readonly detached?: boolean;
}

/** Bytes in both directions, with a program. Keeps this process running until the other side hangs up or it is disposed. */
export interface Channel extends Disposable {
  /**
   * Hands over what comes, in order; a promise holds back what follows. To be called once. Resolves when the other side has
   * hung up or the channel is disposed; fails with what `onChunk` throws, and what comes later is lost then.
   */
  read(onChunk: (chunk: Buffer) => void | Promise<void>): Promise<void>;
  /** @returns false when the writer should wait until it is {@link Channel.flushed} */
  write(bytes: Uint8Array): boolean;
  /** Everything that was written has left this process, or never will. */
  flushed(): Promise<void>;
}

export interface Running {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** The descriptor `fd` (3 or more) that was asked for as a pipe. */
  channel(fd: number): Channel | undefined;
  /** Lets this process end while the program goes on. */
  unref(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the program has ended and its output is read. */
  readonly exited: Promise<{ readonly status: number; readonly signal?: string }>;
}

/** Interfaces, addresses and routes (rtnetlink). Every call names the namespace it acts in; undefined is the host's. */
export interface Links {
  list(namespace?: NetworkNamespace): readonly Link[];
  find(name: string, namespace?: NetworkNamespace): Link | undefined;
  /** `alias` is a free text that stays with the link: it says whose it is. */
  createBridge(
    name: string,
    options: { readonly mtu?: number; readonly mac?: string; readonly alias?: string },
  ): void;
  /** Makes a pair; the peer is born inside `peerNamespace`, so a crash between two calls leaves no orphan. */
  createVeth(options: {
    readonly name: string;
    readonly bridge?: string;
    readonly hairpin?: boolean;
    /** Isolated ports of a bridge do not speak to one another. */
    readonly isolated?: boolean;
    readonly peer: string;
    readonly peerNamespace: NetworkNamespace;
    readonly peerMac?: string;
    readonly mtu?: number;
  }): void;
  /** Loads the module of a kind of link where there is one. @throws KERNEL_UNSUPPORTED when the kernel does not know the kind */
  requireKind(kind: "macvlan" | "ipvlan" | "vlan"): void;
  /** A link on top of `parent` with an address of its own, born inside `namespace`. @throws KERNEL_UNSUPPORTED */
  createSublink(options: {
    readonly kind: "macvlan" | "ipvlan";
    readonly mode: string;
    readonly name: string;
    readonly parent: string;
    readonly namespace: NetworkNamespace;
    readonly mac?: string;
    readonly mtu?: number;
  }): void;
  /** One 802.1q network of `parent`. @throws KERNEL_UNSUPPORTED */
  createVlan(options: {
    readonly name: string;
    readonly parent: string;
    readonly id: number;
    readonly alias?: string;
  }): void;
  setUp(name: string, namespace?: NetworkNamespace): void;
  /** Off the main thread: the kernel takes 15 to 50 ms for it. The namespace may be closed meanwhile. */
  remove(name: string, namespace?: NetworkNamespace): Promise<void>;
  addAddress(name: string, cidr: string, namespace?: NetworkNamespace): void;
  /** `destination` undefined is the default route. One that is there is an error, unless the new one `replaces` it. */
  addRoute(
    route: {
      readonly destination?: string;
      readonly gateway?: string;
      readonly link?: string;
      readonly replaces?: boolean;
    },
    namespace?: NetworkNamespace,
  ): void;
  routes(
    namespace?: NetworkNamespace,
  ): readonly { readonly destination?: string; readonly link: string; readonly gateway?: string }[];
  /** Reads a kernel setting of the namespace, by its path below /proc/sys (`net/ipv4/ip_forward`). */
  getSetting(name: string, namespace?: NetworkNamespace): string;
  setSetting(name: string, value: string, namespace?: NetworkNamespace): void;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly kind?: string;
  readonly alias?: string;
  readonly mac: string;
  readonly up: boolean;
  readonly mtu: number;
  readonly addresses: readonly string[];
}

/** nftables, by libnftables in this process or the nft program. */
export interface Firewall {
  /** Applies a script in one transaction: all of it or nothing. @throws FIREWALL_FAILED with nft's words */
  apply(script: string, namespace?: NetworkNamespace): void;
  /** Whether a table of family `inet` exists; far cheaper than listing it. */
  hasTable(name: string): boolean;
  /**
   * Removes a table of family `inet`, if there is one. The kernel destroys it later, and whoever closes the socket last waits
   * for that (8 to 16 ms): a program that inherits `fd` waits in place of this process.
   */
  removeTable(name: string): { readonly fd: number } & Disposable;
  /**
   * Makes the kernel forget the IPv4 flows opened to a port: without it, a UDP client that keeps sending stays with the
   * translation (or the lack of one) of its first packet. Returns how many.
   */
  forgetFlows(flow: { readonly protocol: "tcp" | "udp"; readonly port: number }): number;
  /** Lists as `nft -j list …` does. */
  list(what: string): unknown;
  /** The same as text, as nft reads it. */
  print(what: string): string;
}

/** Decompression that Node 20 lacks, from system libraries where they exist, else from bundled ones. */
export interface Codecs {
  /**
   * Decodes a whole xz stream, off the main thread. With `sizeBytes`, the length that its index says, memory is taken
   * once, and a stream that is longer is refused before it has been decoded.
   */
  xz(bytes: Uint8Array, options?: { readonly sizeBytes?: number }): Promise<Uint8Array>;
  zstd(bytes: Uint8Array): Promise<Uint8Array>;
  /** Decodes zstd data of any length as it arrives; a chunk is valid until the next is asked for. */
  zstdStream(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Encodes to one member of gzip, off the main thread. @param level 0 to 9; without it about as small as zlib makes with 6 */
  gzip(bytes: Uint8Array, level?: number): Promise<Uint8Array>;
  /**
   * Encodes to one zstd frame, off the main thread. @param level 1 to 22; 3 by default
   * @throws COMPRESSION_UNSUPPORTED when the system has neither libzstd, nor a Node that knows it, nor the program
   */
  zstdCompress(bytes: Uint8Array, level?: number): Promise<Uint8Array>;
}

/** How cgroups are mounted. `hybrid`: v1 controllers with an empty v2 tree at /sys/fs/cgroup/unified. */
export type CgroupMode = "v1" | "v2" | "hybrid" | "none";

/** Facts about the host, read when asked for. */
export interface Probes {
  cgroupMode(): CgroupMode;
  /** Whether this process may mount and make namespaces (CAP_SYS_ADMIN). */
  hasPrivilege(): boolean;
  /**
   * Does nothing with the privilege; without it throws one sentence that names what cannot be done.
   * @param purpose a verb and its object: `run a container`
   * @throws PRIVILEGE_MISSING
   */
  requirePrivilege(purpose: string): void;
  /** Whether the kernel has a filesystem now (a module may still bring it). */
  hasFilesystem(name: string): boolean;
  /** Differs after each boot: what depends on running processes is stale when it changed. */
  bootId(): string;
  kernelRelease(): string;
  /** Whether programs for an architecture (`arm64`) run here, by the processor or by an emulator that binfmt_misc starts. */
  runsArchitecture(architecture: string): boolean;
}

/** System call filters. */
export interface Seccomp {
  /**
   * Compiles a profile to the BPF program (`struct sock_filter[]`) that the kernel takes; some 20 ms of work, worth
   * keeping. A call newer than all calls of the profile gets ENOSYS.
   * @returns undefined where libseccomp is not installed
   */
  compile(profile: SeccompProfile): Uint8Array | undefined;
}

/** `linux.seccomp` of the runtime specification, as far as it is compiled. */
export interface SeccompProfile {
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
    readonly errnoRet?: number;
    readonly args?: readonly {
      readonly index: number;
      readonly value: number;
      readonly valueTwo?: number;
      readonly op: string;
    }[];
  }[];
}
