import { LighterError } from "#base";
import type { Flags, FlagValues } from "./command.ts";
import type { Io } from "./io.ts";

/** Flags of docker's that a build takes for the scripts that give them, and that change nothing. */
export const heedlessFlags = {
  builder: { kind: "string", value: "NAME", summary: "Taken and not needed: only default is there" },
  "cpu-period": { kind: "string", value: "N", summary: noLimit() },
  "cpu-quota": { kind: "string", value: "N", summary: noLimit() },
  "cpu-shares": { kind: "string", short: "c", value: "N", summary: noLimit() },
  "cpuset-cpus": { kind: "string", value: "LIST", summary: noLimit() },
  "cpuset-mems": { kind: "string", value: "LIST", summary: noLimit() },
  isolation: { kind: "string", value: "NAME", summary: "Taken with a warning: it is for Windows" },
  memory: { kind: "string", short: "m", value: "SIZE", summary: noLimit() },
  "memory-swap": { kind: "string", value: "SIZE", summary: noLimit() },
  "security-opt": {
    kind: "list",
    value: "OPTION",
    summary: "Taken with a warning: a step says RUN --security=insecure",
  },
} as const satisfies Flags;

function noLimit(): string {
  return "Taken with a warning: no limit, as with BuildKit";
}

const warnings: readonly (readonly [names: readonly (keyof typeof heedlessFlags)[], why: string])[] = [
  [
    ["cpu-period", "cpu-quota", "cpu-shares", "cpuset-cpus", "cpuset-mems", "memory", "memory-swap"],
    "limits nothing, as with BuildKit; set limits on a cgroup and name that with --cgroup-parent",
  ],
  [["isolation"], "changes nothing: it is for Windows"],
  [
    ["security-opt"],
    "changes nothing, as with BuildKit; a step asks by RUN --security=insecure, which --allow security.insecure grants",
  ],
];

/** Says of each flag that was given in vain that it was. @throws ARGUMENT_INVALID for a builder that is not there */
export async function warnOfHeedless(flags: FlagValues<typeof heedlessFlags>, io: Io): Promise<void> {
  const { builder = "" } = flags;
  if (builder !== "" && builder !== "default")
    throw new LighterError(
      "ARGUMENT_INVALID",
      `no builder "${builder}" found: a build runs in this very process, which is called default; leave --builder out`,
    );
  for (const [names, why] of warnings) {
    const given = names.filter((name) => (flags[name]?.length ?? 0) > 0);
    if (given.length === 0) continue;
    const text = given.map((name) => `--${name}`).join(", ");
    await io.stderr.write(`lighter: warning: ${text} ${why}\n`);
  }
}
