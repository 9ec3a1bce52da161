import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Seccomp, SeccompProfile } from "./host.ts";
import type { NativeFunction, NativeLibrary } from "./native.ts";
import type { Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const SCMP_ACT_ALLOW = 0x7fff0000;
const SCMP_ACT_ERRNO = 0x00050000;
const SCMP_FLTATR_CTL_OPTIMIZE = 8;
const balancedTree = 2;
const unknownName = -1;
const ENOSYS = 38;
const argumentBytes = 24;
const operators: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** Compiles profiles with the system's libseccomp, on which crun and runc depend themselves. */
export function createSeccomp(sys: Sys): Seccomp {
  return {
    compile(profile) {
      const library = openLibrary(sys);
      return library === undefined ? undefined : compile(library, profile);
    },
  };
}

interface Lib {
  readonly init: NativeFunction;
  readonly release: NativeFunction;
  readonly set: NativeFunction;
  readonly archAdd: NativeFunction;
  readonly archNative: NativeFunction;
  readonly archResolve: NativeFunction;
  readonly resolve: NativeFunction;
  readonly ruleAdd: NativeFunction;
  readonly exportBpf: NativeFunction;
}

function openLibrary(sys: Sys): Lib | undefined {
  let library: NativeLibrary;
  try {
    library = sys.native.load("libseccomp.so.2");
  } catch {
    return undefined; // the runtime then compiles the profile itself, at 20 ms a container
  }
  return {
    init: library.func("void *seccomp_init(uint32_t action)"),
    release: library.func("void seccomp_release(void *context)"),
    set: library.func("int seccomp_attr_set(void *context, int attribute, uint32_t value)"),
    archAdd: library.func("int seccomp_arch_add(void *context, uint32_t architecture)"),
    archNative: library.func("uint32_t seccomp_arch_native()"),
    archResolve: library.func("uint32_t seccomp_arch_resolve_name(const char *name)"),
    resolve: library.func("int seccomp_syscall_resolve_name(const char *name)"),
    ruleAdd: library.func(
      "int seccomp_rule_add_array(void *context, uint32_t action, int call, uint count, void *arguments)",
    ),
    exportBpf: library.func("int seccomp_export_bpf(void *context, int fd)"),
  };
}

function compile(lib: Lib, profile: SeccompProfile): Uint8Array {
  const context = lib.init(SCMP_ACT_ERRNO | profile.defaultErrnoRet);
  try {
    lib.set(context, SCMP_FLTATR_CTL_OPTIMIZE, balancedTree);
    for (const name of profile.architectures) addArchitecture(lib, context, name);
    let newest = 0;
    for (const group of profile.syscalls)
      for (const name of group.names) newest = Math.max(newest, addRule(lib, context, { name, ...group }));
    return Buffer.concat([unknownCallGuard(lib.archNative(), newest), exported(lib, context)]);
  } finally {
    lib.release(context);
  }
}

function addArchitecture(lib: Lib, context: number, name: string): void {
  const token = lib.archResolve(name.replace("SCMP_ARCH_", "").toLowerCase());
  const EEXIST = -17; // the native one is there from the start
  const result = lib.archAdd(context, token);
  if (result < 0 && result !== EEXIST) throw systemError(result, { verb: "filter", object: name });
}

type Rule = { readonly name: string } & SeccompProfile["syscalls"][number];

/** @returns the number of the call on this architecture; negative when it does not exist here */
function addRule(lib: Lib, context: number, rule: Rule): number {
  const number = lib.resolve(rule.name);
  // A library older than the profile does not know the newest calls; they then fall under the default action.
  if (number === unknownName) return number;
  const action = rule.action === "SCMP_ACT_ALLOW" ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO | (rule.errnoRet ?? 1);
  const args = rule.args ?? [];
  const memory = Buffer.alloc(args.length * argumentBytes);
  for (const [place, arg] of args.entries()) {
    memory.writeUInt32LE(arg.index, place * argumentBytes);
    memory.writeUInt32LE(operators[arg.op] ?? 0, place * argumentBytes + 4);
    memory.writeBigUInt64LE(BigInt(arg.value), place * argumentBytes + 8);
    memory.writeBigUInt64LE(BigInt(arg.valueTwo ?? 0), place * argumentBytes + 16);
  }
  const result = lib.ruleAdd(context, action, number, args.length, memory);
  if (result < 0) throw systemError(result, { verb: "filter", object: rule.name });
  return number;
}

function exported(lib: Lib, context: number): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "lighter-seccomp-"));
  const path = join(folder, "bpf");
  const fd = openSync(path, "w");
  try {
    const result = lib.exportBpf(context, fd);
    if (result < 0) throw systemError(result, { verb: "compile", object: "the seccomp profile" });
    return readFileSync(path);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

/**
 * Instructions ahead of the filter: a call newer than every call of the profile gets ENOSYS, not EPERM, so that a
 * C library newer than the profile falls back to older calls. runc does the same for docker.
 */
function unknownCallGuard(architecture: number, newest: number): Buffer {
  const LD = 0x20;
  const JEQ = 0x15;
  const JGT = 0x25;
  const RET = 0x06;
  const x32Bit = 0x40000000;
  return Buffer.concat([
    instruction(LD, 4),
    instruction(JEQ, architecture, { ifTrue: 0, ifFalse: 4 }),
    instruction(LD, 0),
    instruction(JGT, x32Bit - 1, { ifTrue: 2, ifFalse: 0 }),
    instruction(JGT, newest, { ifTrue: 0, ifFalse: 1 }),
    instruction(RET, SCMP_ACT_ERRNO | ENOSYS),
  ]);
}

/** A `struct sock_filter`. @see https://www.kernel.org/doc/html/v6.12/networking/filter.html */
function instruction(code: number, value: number, jump = { ifTrue: 0, ifFalse: 0 }): Buffer {
  const memory = Buffer.alloc(8);
  memory.writeUInt16LE(code, 0);
  memory.writeUInt8(jump.ifTrue, 2);
  memory.writeUInt8(jump.ifFalse, 3);
  memory.writeUInt32LE(value >>> 0, 4);
  return memory;
}
