import type { CopyInstruction, DockerfileFile, Instruction, RunInstruction, Stage } from "../../ast.ts";
import type { Fix, TextEdit } from "../warning.ts";
import { findInstaller, type Installer, isBesideTheSources } from "./installers.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { type ShellPart, shellParts } from "./shell-parts.ts";
import { appendLines, sourceOf } from "./shell-text.ts";

const rule = sentenceRule(
  "CopyBeforeInstall",
  "Dependencies should be installed before the sources are copied, so that a change of the sources does not install them again",
);

/** Looks in every stage for `COPY . .` with an installation behind it. */
export const copyBeforeInstall: OwnRule = {
  rule,
  check: (file, reporter) => {
    for (const stage of file.stages) {
      const found = findInstallation(file, stage);
      if (found === undefined) continue;
      const { copy, run, installer } = found;
      const sentence = `Every change of a file installs the dependencies again (line ${run.range.start.line}): copy ${installer.manifests} and install before the rest is copied`;
      const hint = `COPY ${installer.manifests} ./, then the installation in a RUN of its own, then ${copy.original.trim()}`;
      const at = { range: copy.range, fix: fixOf(file, stage, found), hint };
      reporter.within(copy.comments).reportWithFix(rule, at, sentence);
    }
  },
};

interface Installation {
  readonly copy: CopyInstruction;
  readonly run: RunInstruction;
  readonly installer: Installer;
}

function findInstallation(file: DockerfileFile, { instructions }: Stage): Installation | undefined {
  const copy = instructions.find(takesAll);
  if (copy === undefined) return undefined;
  const at = instructions.indexOf(copy);
  for (const run of instructions.slice(at + 1)) {
    if (run.kind !== "RUN") continue;
    const [installer] = shellParts(file, run).parts.flatMap(({ text }) => findInstaller(text) ?? []);
    if (installer === undefined) continue;
    return hasManifests(instructions.slice(0, at), installer) ? undefined : { copy, run, installer };
  }
  return undefined;
}

function takesAll(instruction: Instruction): instruction is CopyInstruction {
  return (
    instruction.kind === "COPY" &&
    instruction.from === undefined &&
    instruction.excludes.length === 0 &&
    instruction.sources.some((source) => source === "." || source === "./")
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

/**
 * The COPY takes the manifests only, and stands again behind the installation. Only when nothing up to there can want
 * the sources; of a RUN that goes on, the commands behind the installation become a RUN of their own.
 */
function fixOf(file: DockerfileFile, stage: Stage, { copy, run, installer }: Installation): Fix | undefined {
  const { instructions } = stage;
  const between = instructions.slice(instructions.indexOf(copy) + 1, instructions.indexOf(run));
  if (copy.link || copy.parents || /\$/.test(copy.destination) || copy.chmod !== undefined) return undefined;
  if (!installer.isCertain || !between.every((one) => mayGoFirst(file, one))) return undefined;
  const split = splitRun(file, run);
  if (split === undefined) return undefined;
  const directory = copy.destination.endsWith("/") ? copy.destination : `${copy.destination}/`;
  const flags = copy.chown === undefined ? "" : `--chown=${copy.chown} `;
  const manifests: TextEdit = {
    start: copy.range.start.offset,
    end: copy.range.start.offset + sourceOf(file, copy).length,
    text: `${copy.keyword.value} ${flags}${installer.manifests} ${directory}`,
  };
  const all = sourceOf(file, copy);
  return {
    title: `copy ${installer.manifests} first`,
    edits: [
      manifests,
      split === "whole" ? appendLines(file, run, [all]) : cutBehind(file, run, { part: split, copy: all }),
    ],
  };
}

function mayGoFirst(file: DockerfileFile, instruction: Instruction): boolean {
  if (["ARG", "ENV", "EXPOSE", "LABEL"].includes(instruction.kind)) return true;
  if (instruction.kind !== "RUN") return false;
  const { parts, isPlain } = shellParts(file, instruction);
  return isPlain && parts.every(({ text }) => isBesideTheSources(text));
}

/** The last command that can go before the sources, or `whole`; nothing when the installation is not among them. */
function splitRun(file: DockerfileFile, run: RunInstruction): ShellPart | "whole" | undefined {
  const { parts, isPlain } = shellParts(file, run);
  if (!isPlain || run.mounts.some(({ type }) => type === "bind")) return undefined;
  const goesFirst = ({ text }: ShellPart): boolean =>
    isBesideTheSources(text) || findInstaller(text) !== undefined;
  const stop = parts.findIndex((part) => !goesFirst(part));
  if (stop < 0) return "whole";
  const first = parts.slice(0, stop);
  return first.some(({ text }) => findInstaller(text) !== undefined) ? first.at(-1) : undefined;
}

function cutBehind(
  file: DockerfileFile,
  run: RunInstruction,
  { part, copy }: { readonly part: ShellPart; readonly copy: string },
): TextEdit {
  const { shell, parts } = shellParts(file, run);
  const next = parts[parts.indexOf(parts.find(({ start }) => start === part.start) ?? part) + 1];
  const flags = run.flags.map(({ range }) => `${file.text.slice(range.start.offset, range.end.offset)} `);
  return {
    start: shell.start + part.end,
    end: shell.start + (next?.start ?? part.end),
    text: `\n${copy}\n${run.keyword.value} ${flags.join("")}`,
  };
}
