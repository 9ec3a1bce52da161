import { readFileSync } from "node:fs";
import { LighterError, systemErrorCode } from "#base";
import type { Flow, VerifyReport } from "#network";
import { defineCommand, type Invocation } from "../command.ts";
import { formatTable } from "../table.ts";

const verifyFlags = {
  "dry-run": { kind: "boolean", summary: "Compute from the rules only, send no packet" },
  format: { kind: "string", value: "table|json", summary: "How to print", choices: ["table", "json"] },
  policy: { kind: "string", value: "FILE", summary: "Fail where the file says otherwise" },
} as const;

export const networkVerify = defineCommand({
  name: "network verify",
  summary: "Prove who reaches whom: by the rules, and with real packets",
  usage: "[OPTIONS]",
  flags: verifyFlags,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter network verify", explains: "Show who reaches whom, and the rule for it" },
    {
      command: "lighter network verify --policy networks.policy",
      explains: 'Fail unless the lines hold, as "payments: only from api:8443"',
    },
  ],
  run: verify,
});

async function verify({ flags, io, openEngine }: Invocation<typeof verifyFlags>): Promise<number> {
  const { parsePolicy } = await import("#network");
  const policy = flags.policy === undefined ? [] : parsePolicy(readPolicy(flags.policy), flags.policy);
  await using engine = await openEngine();
  const report = await engine.networks.verify({ policy, dryRun: flags["dry-run"] });
  await io.stdout.write(
    flags.format === "json" ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report),
  );
  for (const { line, text, because } of report.violations)
    await io.stderr.write(`${flags.policy}:${line}: ${text} (${because})\n`);
  const faults = report.surprises.length + report.violations.length;
  if (faults === 0) return 0;
  throw new LighterError(
    "NETWORK_POLICY_BROKEN",
    `cannot confirm the networks: ${count(report.surprises, "surprise")}, ${count(report.violations, "violation")} of the policy; see above`,
  );
}

function count(list: readonly unknown[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? "" : "s"}`;
}

function reportText({ flows }: VerifyReport): string {
  return formatTable(
    ["FROM", "TO", "PORT", "RULES", "PACKETS", "BECAUSE"],
    flows.map((flow) => [
      flow.from,
      flow.to,
      portText(flow),
      flow.expected ? "reaches" : "-",
      flow.observed === undefined ? "not tried" : flow.observed ? "reach" : "-",
      `${flow.because}${flow.observed !== undefined && flow.observed !== flow.expected ? "  <-- differs" : ""}`,
    ]),
  );
}

function portText({ protocol, version, port, hostPort }: Flow): string {
  const way = version === 6 ? `${protocol}6` : protocol;
  return hostPort === undefined ? `any/${way}` : `host:${hostPort}->${port}/${way}`;
}

function readPolicy(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot read policy "${path}": ${systemErrorCode(error) === "ENOENT" ? "no such file" : String(error)}`,
    );
  }
}
