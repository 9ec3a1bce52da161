import { LighterError } from "#base";
import profile from "./seccomp-profile.json" with { type: "json" };

/** What decides which rules of the profile hold. */
export interface SeccompFacts {
  /** Architecture in the image specification's words (`amd64`, `arm64`). */
  readonly architecture: string;
  /** The bounding set of the container. */
  readonly capabilities: readonly string[];
  /** Release of the running kernel (`6.1.0-13-amd64`). */
  readonly kernelRelease: string;
}

/** `linux.seccomp` of a spec. @see https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#seccomp */
export interface SpecSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly SpecSyscalls[];
}

/** One group of system calls and what happens to them. */
export interface SpecSyscalls {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly op: string }[];
}

interface Rule {
  readonly names: string;
  readonly errno?: number;
  readonly args?: readonly (string | number)[][];
  readonly withCapability?: string;
  readonly withoutCapability?: string;
  readonly onArchitectures?: readonly string[];
  readonly notOnArchitectures?: readonly string[];
  readonly sinceKernel?: string;
}

const EPERM = 1;

/**
 * Docker's default profile, resolved for one container: rules whose conditions do not hold are left out, as dockerd
 * does, because the runtime specification has no conditions.
 * @throws KERNEL_UNSUPPORTED for an architecture the profile does not know
 */
export function defaultSeccomp(facts: SeccompFacts): SpecSeccomp {
  const known: Readonly<Record<string, readonly string[]>> = profile.architectures;
  const architectures = known[facts.architecture];
  if (architectures === undefined)
    throw new LighterError(
      "KERNEL_UNSUPPORTED",
      `cannot confine a container on "${facts.architecture}": the seccomp profile has no such architecture`,
    );
  const rules: readonly Rule[] = profile.rules;
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    architectures,
    syscalls: rules.filter((rule) => holds(rule, facts)).map(toSyscalls),
  };
}

function holds(rule: Rule, { architecture, capabilities, kernelRelease }: SeccompFacts): boolean {
  if (rule.withCapability !== undefined && !capabilities.includes(rule.withCapability)) return false;
  if (rule.withoutCapability !== undefined && capabilities.includes(rule.withoutCapability)) return false;
  if (rule.onArchitectures !== undefined && !rule.onArchitectures.includes(architecture)) return false;
  if (rule.notOnArchitectures?.includes(architecture)) return false;
  return rule.sinceKernel === undefined || isAtLeast(kernelRelease, rule.sinceKernel);
}

/** Whether a kernel (`6.1.0-13-amd64`) is as new as a version (`5.12`). */
export function isAtLeast(release: string, wanted: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function toSyscalls(rule: Rule): SpecSyscalls {
  return {
    names: rule.names.split(" "),
    action: rule.errno === undefined ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO",
    ...(rule.errno === undefined ? {} : { errnoRet: rule.errno }),
    ...(rule.args === undefined ? {} : { args: rule.args.map(toArg) }),
  };
}

function toArg([index, operator, value]: readonly (string | number)[]) {
  return { index: Number(index), value: Number(value), op: `SCMP_CMP_${operator}` };
}
