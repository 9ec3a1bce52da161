import { LighterError } from "#base";
import type { BuildOptions } from "#engine";
import type { Flags, FlagValues } from "./command.ts";
import type { Io } from "./io.ts";
import { cgroupFlags, cgroupLimits } from "./limit-flags.ts";

/** Flags of docker's that a build takes for the scripts that give them, and that change nothing. */
export const heedlessFlags = {
  builder: { kind: "string", value: "NAME", summary: "Taken and not needed: only default is there" },
  isolation: { kind: "string", value: "NAME", summary: "Taken with a warning: it is for Windows" },
  "security-opt": {
    kind: "list",
    value: "OPTION",
    summary: "Taken with a warning: a step says RUN --security=insecure",
  },
} as const satisfies Flags;

const warnings = {
  isolation: "it is for Windows",
  "security-opt": "a step asks by RUN --security=insecure, which --allow security.insecure grants",
} as const;

/** Says of each flag that was given in vain that it was. @throws ARGUMENT_INVALID for a builder that is not there */
export async function warnOfHeedless(flags: FlagValues<typeof heedlessFlags>, io: Io): Promise<void> {
  const { builder = "" } = flags;
  if (builder !== "" && builder !== "default")
    throw new LighterError(
      "ARGUMENT_INVALID",
      `no builder "${builder}" found: a build runs in this very process, which is called default; leave --builder out`,
    );
  for (const [name, why] of Object.entries(warnings) as readonly [keyof typeof warnings, string][])
    if ((flags[name]?.length ?? 0) > 0)
      await io.stderr.write(`lighter: warning: --${name} changes nothing: ${why}\n`);
}

const { "cpu-period": period, "cpu-quota": quota, "cpu-shares": shares, memory } = cgroupFlags;
const { "cpuset-cpus": cpus, "cpuset-mems": nodes, "memory-swap": swap } = cgroupFlags;

/** Limits of RUN steps: BuildKit's, and docker's older spelling of them. */
export const buildLimitFlags = {
  "cpu-period": period,
  "cpu-quota": quota,
  "cpu-shares": shares,
  "cpuset-cpus": cpus,
  "cpuset-mems": nodes,
  memory,
  "memory-swap": swap,
  resource: {
    kind: "list",
    value: "NAME=VALUE",
    summary: "Limit of each RUN step: memory=2g, cpu-quota=50000 and so on",
  },
} as const satisfies Flags;

const integers = ["cpu-period", "cpu-quota", "cpu-shares"] as const;
const words = ["cpuset-cpus", "cpuset-mems", "memory", "memory-swap"] as const;

/** @throws USAGE, ARGUMENT_INVALID */
export function buildLimits(flags: FlagValues<typeof buildLimitFlags>): Pick<BuildOptions, "limits"> {
  const { resource, ...given } = flags;
  const limits = cgroupLimits({ ...absent, ...given, ...Object.fromEntries(resource.map(readResource)) });
  return Object.keys(limits).length === 0 ? {} : { limits };
}

/** What only containers have. */
const absent = {
  "blkio-weight": undefined,
  cpus: undefined,
  "memory-reservation": undefined,
  "pids-limit": undefined,
};

function readResource(text: string): readonly [string, string | number] {
  const [name = "", value = ""] = text.split(/=(.*)/s);
  if (words.some((known) => known === name) && value !== "") return [name, value];
  if (integers.some((known) => known === name) && /^\d{1,15}$/.test(value)) return [name, Number(value)];
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot limit "${text}": want NAME=VALUE with one of ${[...words, ...integers].join(", ")}`,
  );
}
