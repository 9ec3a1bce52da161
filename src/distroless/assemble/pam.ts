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
 * profile is enabled by default, with the notes by which it later knows its own work from a person's.
 */
export function writePamStacks(assembly: Assembly): void {
  const { tree } = assembly;
  const profile = tree.read("usr/share/pam-configs/unix")?.toString("utf8");
  if (profile === undefined) return;
  for (const [name, { type, section }] of Object.entries(services)) {
    const template = tree.read(`usr/share/pam/${name}`)?.toString("utf8");
    if (template === undefined) continue;
    const rules = profileRules(profile, `${section}-Initial`);
    const isPrimary = profile.includes(`${section}-Type: Primary`);
    const stack = isPrimary ? { primary: rules, additional: [] } : { primary: [permit], additional: rules };
    const lines = (all: readonly string[]) =>
      all.map((rule) => `${type}\t${endingAfter(rule, 1)}\n`).join("");
    const text = template
      .replace(/^\$\w+_primary\n/m, () => lines(stack.primary))
      .replace(/^\$\w+_additional\n/m, () => lines(stack.additional));
    tree.file(`etc/pam.d/${name}`, text, rootOwned(assembly));
    const note = (module: string, all: readonly string[]) =>
      `Module: ${module}\n${all.map((rule) => `${rule.trimEnd()}\n`).join("")}`;
    const notes = isPrimary ? note("unix", rules) : note("null", [permit]) + note("unix", rules);
    tree.file(`var/lib/pam/${name.replace("common-", "")}`, notes, rootOwned(assembly));
  }
  tree.file("var/lib/pam/seen", listProfiles(assembly).join(""), rootOwned(assembly));
}

/** Keeps a stack with no deciding module from failing. */
const permit = "[default=1]\t\t\tpam_permit.so";

function listProfiles({ tree }: Assembly): readonly string[] {
  return tree
    .entriesIn("usr/share/pam-configs")
    .map(([path]) => `${path.slice(path.lastIndexOf("/") + 1)}\n`);
}

function profileRules(profile: string, section: string): readonly string[] {
  const lines = profile.split("\n");
  const start = lines.indexOf(`${section}:`);
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith("\t"));
  return (
    (end < 0 ? rest : rest.slice(0, end))
      .map((line) => line.trim())
      .filter((line) => line !== "")
      // A module with no arguments gets a space nevertheless, as pam-auth-update writes it: it compares digests.
      .map((line) => (line.endsWith(".so") ? `${line} ` : line))
  );
}

/** `end` in a profile means: skip the rules that are left, of which there are `count`. */
function endingAfter(rule: string, count: number): string {
  return rule.replace(/=end\b/g, `=${count}`);
}
