import { LighterError } from "#base";
import { isAtLeast, type SeccompFacts, type SpecSeccomp, type SpecSyscalls } from "./seccomp.ts";

/** Docker's form of a profile: that of the runtime specification with conditions. */
interface DockerProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures?: readonly string[];
  }[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly DockerRule[];
}

interface DockerRule {
  readonly names?: readonly string[];
  readonly name?: string;
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: SpecSyscalls["args"];
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

const nativeNames: Readonly<Record<string, string>> = {
  amd64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
  arm: "SCMP_ARCH_ARM",
  "386": "SCMP_ARCH_X86",
  ppc64le: "SCMP_ARCH_PPC64LE",
  riscv64: "SCMP_ARCH_RISCV64",
  s390x: "SCMP_ARCH_S390X",
};

/**
 * Reads a profile in docker's form (`--security-opt seccomp=FILE`) and resolves its conditions for one container, as dockerd
 * does. @throws CONTAINER_INVALID
 */
export function customSeccomp(text: string, facts: SeccompFacts): SpecSeccomp {
  const profile = parse(text);
  const { defaultAction, defaultErrnoRet, flags } = profile;
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: architecturesOf(profile, facts),
    ...(flags === undefined ? {} : { flags }),
    syscalls: (profile.syscalls ?? []).filter((rule) => holds(rule, facts)).map(toSyscalls),
  };
}

function parse(text: string): DockerProfile {
  const profile = parseJson(text);
  if (typeof profile !== "object" || profile === null || !("defaultAction" in profile))
    throw invalid('it has no "defaultAction"');
  const { architectures = [], archMap = [], syscalls = [] } = profile as DockerProfile;
  if (![architectures, archMap, syscalls].every(Array.isArray)) throw invalid("a list in it is none");
  if (architectures.length > 0 && archMap.length > 0)
    throw invalid('it has both "architectures" and "archMap"');
  if (!syscalls.every(isRule)) throw invalid("a rule in it names no system call or no action");
  return profile as DockerProfile;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`it is no JSON (${(error as Error).message})`);
  }
}

function isRule(rule: DockerRule): boolean {
  return typeof rule?.action === "string" && (Array.isArray(rule.names) || typeof rule.name === "string");
}

function architecturesOf({ architectures, archMap }: DockerProfile, { architecture }: SeccompFacts) {
  if (archMap === undefined) return architectures ?? [];
  const own = archMap.find((one) => one.architecture === nativeNames[architecture]);
  return own === undefined ? [] : [own.architecture, ...(own.subArchitectures ?? [])];
}

function holds({ includes = {}, excludes = {} }: DockerRule, facts: SeccompFacts): boolean {
  const has = (name: string): boolean => facts.capabilities.includes(name);
  const isHere = (name: string): boolean => name === facts.architecture;
  const isSince = ({ minKernel }: Condition): boolean =>
    minKernel !== undefined && isAtLeast(facts.kernelRelease, minKernel);
  if (includes.caps?.every(has) === false) return false;
  if (includes.arches !== undefined && includes.arches.length > 0 && !includes.arches.some(isHere))
    return false;
  if (includes.minKernel !== undefined && !isSince(includes)) return false;
  return !(excludes.caps?.some(has) === true || excludes.arches?.some(isHere) === true || isSince(excludes));
}

function toSyscalls({ names, name, action, errnoRet, args }: DockerRule): SpecSyscalls {
  return {
    names: names ?? [name ?? ""],
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args === undefined || args === null ? {} : { args }),
  };
}

function invalid(state: string): LighterError {
  return new LighterError(
    "CONTAINER_INVALID",
    `cannot use the seccomp profile: ${state}; want docker's form, as in its documentation`,
  );
}
