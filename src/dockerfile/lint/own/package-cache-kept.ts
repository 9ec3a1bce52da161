import type { RunInstruction } from "../../ast.ts";
import type { Fix } from "../warning.ts";
import { finalInstructions } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { append, insertAt, type ShellText, shellText } from "./shell-text.ts";

const rule = sentenceRule(
  "PackageCacheKept",
  "What a package manager downloads should not stay in the image",
);

/** How a package manager keeps files, how a command shows that it does not, and what mends it. */
interface Manager {
  readonly name: string;
  readonly installs: RegExp;
  /** Words of which one shows that the files go again. */
  readonly cleans: readonly string[];
  /** Where a cache mount makes the matter moot. */
  readonly cache: RegExp;
  /** Either text to put behind the match, or behind the whole command. */
  readonly insert?: string;
  readonly append?: string;
}

const managers: readonly Manager[] = [
  {
    name: "apt-get",
    installs: /\bapt(?:-get)?\s+(?:-\S+\s+)*(?:install|update)\b/,
    cleans: ["/var/lib/apt"],
    cache: /\/var\/lib\/apt/,
    append: " && rm -rf /var/lib/apt/lists/*",
  },
  {
    name: "apk",
    installs: /\bapk\s+(?:-\S+\s+)*add\b/,
    cleans: ["--no-cache", "/var/cache/apk"],
    cache: /\/var\/cache\/apk|\/etc\/apk\/cache/,
    insert: " --no-cache",
  },
  {
    name: "dnf",
    installs: /\b(?:micro)?dnf\s+(?:-\S+\s+)*install\b/,
    cleans: ["clean all", "/var/cache/dnf", "/var/cache/libdnf5"],
    cache: /\/var\/cache\/(?:dnf|libdnf5)/,
    append: " && dnf clean all",
  },
  {
    name: "yum",
    installs: /\byum\s+(?:-\S+\s+)*install\b/,
    cleans: ["clean all", "/var/cache/yum"],
    cache: /\/var\/cache\/yum/,
    append: " && yum clean all",
  },
  {
    name: "pip",
    installs: /\bpip3?\s+(?:-\S+\s+)*install\b/,
    cleans: ["--no-cache-dir", "PIP_NO_CACHE_DIR", "cache purge"],
    cache: /\.cache/,
    insert: " --no-cache-dir",
  },
  {
    name: "npm",
    installs: /\bnpm\s+(?:ci|i|install)\b/,
    cleans: ["npm cache clean", "/.npm"],
    cache: /\.npm\b/,
    append: " && npm cache clean --force",
  },
];

/** Looks at every RUN that ends up in the image. */
export const packageCacheKept: OwnRule = {
  rule,
  check: (file, reporter) => {
    const instructions = finalInstructions(file);
    const setsNoCache = instructions.some(
      (instruction) =>
        instruction.kind === "ENV" && instruction.pairs.some(({ key }) => key === "PIP_NO_CACHE_DIR"),
    );
    for (const instruction of instructions) {
      if (instruction.kind !== "RUN" || instruction.command.form === "exec") continue;
      const shell = shellText(file, instruction);
      for (const manager of managers) {
        if (manager.name === "pip" && setsNoCache) continue;
        const match = manager.installs.exec(shell.text);
        if (
          match === null ||
          manager.cleans.some((word) => shell.text.includes(word)) ||
          hasCacheMount(instruction, manager)
        )
          continue;
        const fix = fixOf(instruction, { manager, shell, end: match.index + match[0].length });
        const sentence = `${manager.name} leaves its downloads in the layer: ${fix?.title ?? "clean up in the same RUN, or use a cache mount"}`;
        reporter
          .within(instruction.comments)
          .reportWithFix(rule, { range: instruction.range, ...(fix && { fix }) }, sentence);
      }
    }
  },
};

function hasCacheMount(instruction: RunInstruction, manager: Manager): boolean {
  return instruction.mounts.some(({ text }) => manager.cache.test(text));
}

function fixOf(
  instruction: RunInstruction,
  { manager, shell, end }: { readonly manager: Manager; readonly shell: ShellText; readonly end: number },
): Fix | undefined {
  if (instruction.heredocs.length > 0) return undefined;
  const text = manager.insert ?? manager.append ?? "";
  const edit = manager.insert === undefined ? append(shell, text) : insertAt(shell, end, text);
  return { title: `add${manager.insert === undefined ? text.replace(" && ", " ") : text}`, edits: [edit] };
}
