import type { DockerfileFile, RunInstruction } from "../../ast.ts";
import type { Reporter } from "../reporter.ts";
import type { TextEdit } from "../warning.ts";
import { finalInstructions } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { append, insertAt, shellText } from "./shell-text.ts";

const rule = sentenceRule(
  "PackageCacheKept",
  "What a package manager downloads should not stay in the image",
);

/** How a package manager keeps files, how a command shows that it does not, and what mends it. */
interface Manager {
  readonly name: string;
  readonly installs: RegExp;
  /** Words of which one shows that the files go again; with `insert` the first is an option that every command needs. */
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
    installs: /\bdnf\s+(?:-\S+\s+)*install\b/,
    cleans: ["dnf clean all", "/var/cache/dnf", "/var/cache/libdnf5"],
    cache: /\/var\/cache\/(?:dnf|libdnf5)/,
    append: " && dnf clean all",
  },
  {
    name: "microdnf",
    installs: /\bmicrodnf\s+(?:-\S+\s+)*install\b/,
    cleans: ["microdnf clean all", "/var/cache/yum", "/var/cache/dnf"],
    cache: /\/var\/cache\/(?:dnf|yum)/,
    append: " && microdnf clean all",
  },
  {
    name: "yum",
    installs: /\byum\s+(?:-\S+\s+)*install\b/,
    cleans: ["clean all", "/var/cache/yum"],
    cache: /\/var\/cache\/yum/,
    append: " && yum clean all",
  },
  {
    name: "zypper",
    installs: /\bzypper\s+(?:-\S+\s+)*(?:install|in)\b/,
    cleans: ["zypper clean", "/var/cache/zypp"],
    cache: /\/var\/cache\/zypp/,
    append: " && zypper clean --all",
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
    const told = new Set(instructions.flatMap((one) => (one.kind === "ENV" ? one.pairs : [])).map(keyOf));
    const known = managers.filter(({ name }) => !(name === "pip" && told.has("PIP_NO_CACHE_DIR")));
    for (const instruction of instructions)
      if (instruction.kind === "RUN" && instruction.command.form === "shell")
        for (const manager of known) checkRun(file, { run: instruction, manager }, reporter);
  },
};

interface Use {
  readonly run: RunInstruction;
  readonly manager: Manager;
}

function checkRun(file: DockerfileFile, { run, manager }: Use, reporter: Reporter): void {
  const shell = shellText(file, run);
  const ends = keepingCommands(shell.text, manager);
  if (ends.length === 0 || run.mounts.some(({ text }) => manager.cache.test(text))) return;
  const text = manager.insert ?? manager.append ?? "";
  const edits =
    manager.insert === undefined
      ? appendCommand(file, run, text)
      : ends.map((end) => insertAt(shell, end, text));
  const title = `add${manager.insert === undefined ? text.replace(" && ", " ") : text}`;
  const hint = "clean up in the same RUN, or mount a cache with --mount=type=cache";
  const sentence = `${manager.name} leaves its downloads in the layer: ${title}`;
  const at = { range: run.range, fix: edits && { title, edits }, hint };
  reporter.within(run.comments).reportWithFix(rule, at, sentence);
}

/** Ends of the commands that install and do not clean up: an option has to stand in each, a clean-up once. */
function keepingCommands(text: string, { installs, cleans, insert }: Manager): number[] {
  const found = Array.from(
    text.matchAll(new RegExp(installs, "g")),
    (match) => match.index + match[0].length,
  );
  const [option = "", ...others] = insert === undefined ? [] : cleans;
  if ((insert === undefined ? cleans : others).some((word) => text.includes(word))) return [];
  if (insert === undefined) return found;
  return found.filter((end) => !commandFrom(text, end).includes(option));
}

function commandFrom(text: string, start: number): string {
  const rest = text.slice(start);
  const end = rest.search(/[;&|\n]/);
  return end < 0 ? rest : rest.slice(0, end);
}

/** Behind the last command; in a heredoc on a line of its own. Nothing where a comment or an open end makes it unclear. */
function appendCommand(
  file: DockerfileFile,
  run: RunInstruction,
  text: string,
): readonly TextEdit[] | undefined {
  const [heredoc, ...more] = run.heredocs;
  if (heredoc !== undefined) {
    const isScript =
      /^#!|(?:^|\n)[ \t]*(?:exit|exec)\b/.test(heredoc.content) || !/^<<-?\S+$/.test(commandOf(run));
    if (more.length > 0 || isScript || !heredoc.content.endsWith("\n")) return undefined;
    const at =
      heredoc.range.start.offset + file.text.slice(heredoc.range.start.offset).indexOf(heredoc.content);
    const end = at + heredoc.content.length;
    return [{ start: end, end, text: `${text.replace(" && ", "")}\n` }];
  }
  const shell = shellText(file, run);
  const trimmed = shell.text.trimEnd();
  if (/\s#|[&|\\`]$/.test(trimmed)) return undefined;
  return [append(shell, trimmed.endsWith(";") ? text.replace(" &&", "") : text)];
}

function commandOf({ original, keyword }: RunInstruction): string {
  return original
    .trim()
    .slice(keyword.value.length)
    .replace(/^(?:\s+--\S+)*/, "")
    .trim();
}

function keyOf({ key }: { readonly key: string }): string {
  return key;
}
