import type { CopyInstruction, DockerfileFile, Instruction, RunInstruction } from "../../ast.ts";
import type { Fix } from "../warning.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { insertLines, removeLines, shellText } from "./shell-text.ts";

const rule = sentenceRule(
  "CopyBeforeInstall",
  "Dependencies should be installed before the sources are copied, so that a change of the sources does not install them again",
);

/** A command that installs what a file lists, and the file. */
interface Installer {
  readonly command: RegExp;
  /** What must be among the arguments. */
  readonly argument?: string;
  readonly manifests: string;
}

const installers: readonly Installer[] = [
  { command: /\bnpm\s+(?:ci|i|install)\b(?!\s+(?:-g|--global))/, manifests: "package*.json" },
  { command: /\byarn(?:\s+install)?(?:\s+--\S+)*$/, manifests: "package.json yarn.lock*" },
  { command: /\bpnpm\s+(?:i|install)\b/, manifests: "package.json pnpm-lock.yaml*" },
  { command: /\bpip3?\s+install\b/, argument: "-r requirements.txt", manifests: "requirements.txt" },
  { command: /\bpoetry\s+install\b/, manifests: "pyproject.toml poetry.lock*" },
  { command: /\bgo\s+mod\s+download\b/, manifests: "go.mod go.sum*" },
  { command: /\bbundle\s+install\b/, manifests: "Gemfile Gemfile.lock*" },
  { command: /\bcomposer\s+install\b/, manifests: "composer.json composer.lock*" },
];

/** Looks in every stage for `COPY . .` with an installation behind it. */
export const copyBeforeInstall: OwnRule = {
  rule,
  check: (file, reporter) => {
    for (const { instructions } of file.stages) {
      const copy = instructions.find(takesAll);
      if (copy === undefined) continue;
      const at = instructions.indexOf(copy);
      const run = instructions.slice(at + 1).find((later) => findInstaller(file, later) !== undefined);
      const installer = run === undefined ? undefined : findInstaller(file, run);
      if (
        run?.kind !== "RUN" ||
        installer === undefined ||
        hasManifests(instructions.slice(0, at), installer)
      )
        continue;
      const fix = instructions[at + 1] === run ? fixOf(file, { copy, run, installer }) : undefined;
      const sentence = `Every change of a file installs the dependencies again (line ${run.range.start.line}): copy ${installer.manifests} and install before the rest is copied`;
      reporter
        .within(copy.comments)
        .reportWithFix(rule, { range: copy.range, ...(fix && { fix }) }, sentence);
    }
  },
};

function takesAll(instruction: Instruction): instruction is CopyInstruction {
  return (
    instruction.kind === "COPY" &&
    instruction.from === undefined &&
    instruction.excludes.length === 0 &&
    instruction.sources.some((source) => source === "." || source === "./")
  );
}

function findInstaller(file: DockerfileFile, instruction: Instruction): Installer | undefined {
  if (instruction.kind !== "RUN") return undefined;
  const { text } = shellText(file, instruction);
  return installers.find(
    ({ command, argument = "" }) => command.test(text.trim()) && text.includes(argument),
  );
}

/** The manifests are there already: the installation stands where it does for another reason. */
function hasManifests(before: readonly Instruction[], { manifests }: Installer): boolean {
  const first = (manifests.split(" ", 1)[0] ?? "").replace(/\*.*/, "");
  return before.some(
    (instruction) =>
      instruction.kind === "COPY" && instruction.sources.some((source) => source.includes(first)),
  );
}

/** Only for an installation that is a command of its own, directly behind the copy, and has no scripts that may want the sources. */
function fixOf(
  file: DockerfileFile,
  {
    copy,
    run,
    installer,
  }: { readonly copy: CopyInstruction; readonly run: RunInstruction; readonly installer: Installer },
): Fix | undefined {
  const { text } = shellText(file, run);
  if (/&&|\|\||;|\|/.test(text) || run.heredocs.length > 0 || copy.link || copy.destination.startsWith("$"))
    return undefined;
  const source = file.text.slice(run.range.start.offset, run.range.end.offset).trimEnd();
  const directory = copy.destination.endsWith("/") ? copy.destination : `${copy.destination}/`;
  const flags = copy.chown === undefined ? "" : `--chown=${copy.chown} `;
  return {
    title: `copy ${installer.manifests} first`,
    edits: [
      insertLines(copy, [`COPY ${flags}${installer.manifests} ${directory}`, source]),
      removeLines(file, run),
    ],
  };
}
