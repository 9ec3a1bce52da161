import { type Assembly, rootOwned } from "./assembly.ts";

const services = {
  "common-account": { type: "account", section: "Account" },
  "common-auth": { type: "auth", section: "Auth" },
  "common-password": { type: "password", section: "Password" },
  "common-session": { type: "session", section: "Session" },
  "common-session-noninteractive": { type: "session", section: "Session" },
} as const;

/**
 * /etc/pam.d/common-*, from libpam-runtime's templates and the Unix profile: what pam-auth-update writes when no other
 * profile is enabled by default.
 */
export function writePamStacks(assembly: Assembly): void {
  const { tree } = assembly;
  const profile = tree.read("usr/share/pam-configs/unix")?.toString("utf8");
  if (profile === undefined) return;
  for (const [name, { type, section }] of Object.entries(services)) {
    const template = tree.read(`usr/share/pam/${name}`)?.toString("utf8");
    if (template === undefined) continue;
    const rules = profileRules(profile, `${section}-Initial`).map(
      // The space at the end is what pam-auth-update writes, too; it finds its own work again by a digest.
      (rule) => `${type}\t${endingAfter(rule, 1)}`,
    );
    const isPrimary = profile.includes(`${section}-Type: Primary`);
    const primary = isPrimary ? rules : [`${type}\t[default=1]\t\t\tpam_permit.so`];
    const additional = isPrimary ? [] : rules;
    const text = template
      .replace(/^\$\w+_primary$/m, () => primary.join("\n"))
      .replace(/^\$\w+_additional\n/m, () => additional.map((rule) => `${rule}\n`).join(""));
    tree.file(`etc/pam.d/${name}`, text, rootOwned(assembly));
  }
}

function profileRules(profile: string, section: string): readonly string[] {
  const lines = profile.split("\n");
  const start = lines.indexOf(`${section}:`);
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith("\t"));
  return (end < 0 ? rest : rest.slice(0, end)).map((line) => line.trim()).filter((line) => line !== "");
}

/** `end` in a profile means: skip the rules that are left, of which there are `count`. */
function endingAfter(rule: string, count: number): string {
  return rule.replace(/=end\b/g, `=${count}`);
}
