import { loadNative, type Native, type NativeFunction, type NativeValue } from "./native.ts";

/** A system call: its result, or `-errno`. Never throws for a failure of the call itself. */
export type SystemCall = (...values: readonly NativeValue[]) => number;

/**
 * The system calls of the room, thin: arguments go down as they are, the result or `-errno` comes up. Each is
 * declared when first used. Calls that the C library does not wrap everywhere go by number.
 */
export interface Sys {
  readonly native: Native;
  readonly flock: SystemCall;
  readonly mount: SystemCall;
  readonly umount2: SystemCall;
  readonly unshare: SystemCall;
  readonly setns: SystemCall;
  readonly socket: SystemCall;
  /** `ioctl` with memory for an argument. */
  readonly ioctl: SystemCall;
  /** `ioctl` with a number for an argument. */
  readonly ioctlNumber: SystemCall;
  readonly llistxattr: SystemCall;
  readonly lgetxattr: SystemCall;
  readonly lsetxattr: SystemCall;
  readonly lremovexattr: SystemCall;
  readonly utimensat: SystemCall;
  readonly lseek: SystemCall;
  readonly copyFileRange: SystemCall;
  readonly syncFileRange: SystemCall;
  readonly pwritev2: SystemCall;
  readonly mknodat: SystemCall;
  readonly openTree: SystemCall;
  readonly setfsuid: SystemCall;
  readonly setfsgid: SystemCall;
  readonly capget: SystemCall;
  readonly capset: SystemCall;
  readonly moveMount: SystemCall;
  readonly fsopen: SystemCall;
  readonly fsconfig: SystemCall;
  readonly fsmount: SystemCall;
  readonly pidfdOpen: SystemCall;
  readonly pidfdSendSignal: SystemCall;
  readonly openat2: SystemCall;
  readonly mountSetattr: SystemCall;
  /** Declares a further function of the C library. */
  declare(prototype: string): SystemCall;
}

/** `AT_FDCWD`: a path is relative to the working directory. */
export const AT_FDCWD = -100;

/** Opens the C library. @throws KERNEL_UNSUPPORTED where no native binding exists */
export function openSys(native: Native = loadNative()): Sys {
  const libc = native.load(null);
  const declared = new Map<string, NativeFunction>();
  const functionOf = (prototype: string): NativeFunction => {
    const fn = declared.get(prototype) ?? libc.func(prototype);
    declared.set(prototype, fn);
    return fn;
  };
  const declare = (prototype: string): SystemCall => {
    let fn: NativeFunction | undefined;
    return (...values) => {
      fn ??= functionOf(prototype);
      const result = fn(...values);
      return result < 0 ? -native.errno() : result;
    };
  };
  const numbered = (number: number, parameters: string): SystemCall => {
    const call = declare(`long syscall(long number, ${parameters})`);
    return (...values) => call(number, ...values);
  };
  return { native, ...wrapped(declare), ...unwrapped(numbered), declare };
}

function wrapped(declare: (prototype: string) => SystemCall) {
  return {
    flock: declare("int flock(int fd, int operation)"),
    mount: declare(
      "int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)",
    ),
    umount2: declare("int umount2(const char *target, int flags)"),
    unshare: declare("int unshare(int flags)"),
    setns: declare("int setns(int fd, int type)"),
    socket: declare("int socket(int domain, int type, int protocol)"),
    ioctl: declare("int ioctl(int fd, ulong request, void *argument)"),
    setfsuid: declare("int setfsuid(uint user)"),
    setfsgid: declare("int setfsgid(uint group)"),
    capget: declare("int capget(void *header, void *data)"),
    capset: declare("int capset(void *header, void *data)"),
    ioctlNumber: declare("int ioctl(int fd, ulong request, long argument)"),
    llistxattr: declare("long llistxattr(const char *path, void *list, size_t size)"),
    lgetxattr: declare("long lgetxattr(const char *path, const char *name, void *value, size_t size)"),
    lsetxattr: declare(
      "int lsetxattr(const char *path, const char *name, void *value, size_t size, int flags)",
    ),
    lremovexattr: declare("int lremovexattr(const char *path, const char *name)"),
    utimensat: declare("int utimensat(int directory, const char *path, void *times, int flags)"),
    lseek: declare("int64_t lseek(int fd, int64_t offset, int whence)"),
    copyFileRange: declare(
      "long copy_file_range(int from, void *fromOffset, int to, void *toOffset, size_t size, uint flags)",
    ),
    syncFileRange: declare("int sync_file_range(int fd, int64_t offset, int64_t size, uint flags)"),
  };
}

// The same numbers on every architecture since Linux 5.1; the first two are older and differ.
function unwrapped(numbered: (number: number, parameters: string) => SystemCall) {
  return {
    pwritev2: numbered(
      process.arch === "x64" ? 328 : 287,
      "long fd, void *vectors, long count, long offset, long offsetHigh, long flags",
    ),
    mknodat: numbered(
      process.arch === "x64" ? 259 : 33,
      "long directory, const char *path, long mode, long device",
    ),
    openTree: numbered(428, "long directory, const char *path, long flags"),
    moveMount: numbered(429, "long from, const char *fromPath, long to, const char *toPath, long flags"),
    fsopen: numbered(430, "const char *type, long flags"),
    fsconfig: numbered(431, "long fd, long command, const char *key, const char *value, long aux"),
    pidfdSendSignal: numbered(424, "long fd, long signal, void *information, long flags"),
    pidfdOpen: numbered(434, "long pid, long flags"),
    fsmount: numbered(432, "long fd, long flags, long attributes"),
    openat2: numbered(437, "long directory, const char *path, void *how, size_t size"),
    mountSetattr: numbered(
      442,
      "long directory, const char *path, long flags, void *attributes, size_t size",
    ),
  };
}
