import type { ArgInstruction, DockerfileFile, Instruction, RunInstruction, Stage } from "../../ast.ts";
import type { Reporter } from "../reporter.ts";
import { isSecretName } from "../secret-name.ts";
import type { Fix } from "../warning.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { insertAt, removeLines, shellText } from "./shell-text.ts";

const rule = sentenceRule(
  "SecretInLayer",
  "A secret should reach a RUN by --mount=type=secret: what a layer or the history holds stays readable",
);

const secretFiles =
  /(?:^|\/)(?:\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?|\.npmrc|\.netrc|\.pypirc|\.git-credentials|\.dockercfg|id_(?:rsa|dsa|ecdsa|ed25519)|credentials(?:\.json)?|.*\.(?:key|p12|pfx|keystore|jks)|\.aws|\.ssh)$/;
const secretText =
  /\b(?:AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abp]-[\w-]{10,}|npm_[A-Za-z0-9]{36})\b|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Looks for secret files that are copied, secrets written out, and secret ARGs that a RUN uses. */
export const secretInLayer: OwnRule = {
  rule,
  check: (file, reporter) => {
    for (const stage of file.stages) {
      for (const instruction of stage.instructions) checkInstruction(file, instruction, reporter);
      checkArgs(file, stage, reporter);
    }
  },
};

function checkInstruction(file: DockerfileFile, instruction: Instruction, reporter: Reporter): void {
  const report = (sentence: string): void =>
    reporter.within(instruction.comments).report(rule, instruction.range, sentence);
  if (instruction.kind === "COPY" || instruction.kind === "ADD") {
    const found = instruction.sources.find((source) => secretFiles.test(source) && !/^https?:/.test(source));
    const fromStage = instruction.kind === "COPY" && instruction.from !== undefined;
    if (found !== undefined && !fromStage)
      report(`${found} becomes part of a layer: give it to the RUN that needs it with --mount=type=secret`);
  }
  const { start, end } = instruction.range;
  if (secretText.test(file.text.slice(start.offset, end.offset)))
    report("A credential is written out here: revoke it, then use --mount=type=secret");
}

function checkArgs(file: DockerfileFile, stage: Stage, reporter: Reporter): void {
  const args = stage.instructions.filter((instruction) => instruction.kind === "ARG");
  if (!args.some((arg) => arg.args.some(({ key }) => isSecretName(key)))) return;
  const uses = usesOf(file, stage);
  for (const arg of args)
    for (const { key } of arg.args) {
      const users = (uses.get(key) ?? []).filter(({ range }) => range.start.offset > arg.range.start.offset);
      if (isSecretName(key)) checkArg(file, { arg, key, users }, reporter);
    }
}

/** The instructions that name a variable, by its name. */
function usesOf(file: DockerfileFile, { instructions }: Stage): ReadonlyMap<string, Instruction[]> {
  const uses = new Map<string, Instruction[]>();
  for (const instruction of instructions) {
    const { start, end } = instruction.range;
    const text = file.text.slice(start.offset, end.offset);
    const names = new Set(Array.from(text.matchAll(/\$\{?(\w+)/g), ([, name = ""]) => name));
    for (const name of names) uses.set(name, [...(uses.get(name) ?? []), instruction]);
  }
  return uses;
}

interface SecretArg {
  readonly arg: ArgInstruction;
  readonly key: string;
  /** Instructions behind the ARG that name it. */
  readonly users: readonly Instruction[];
}

function checkArg(file: DockerfileFile, secret: SecretArg, reporter: Reporter): void {
  const { arg, key, users } = secret;
  const runs = users.filter((instruction): instruction is RunInstruction => instruction.kind === "RUN");
  if (runs.length === 0) return;
  const fix = runs.length < users.length ? undefined : fixOf(file, secret, runs);
  const sentence = `The value of ARG ${key} can be read in the history of the image: pass it as --secret id=${key}`;
  reporter.within(arg.comments).reportWithFix(rule, { range: arg.range, ...(fix && { fix }) }, sentence);
}

/** The ARG goes, and every RUN that names it gets the secret as a variable of the same name. */
function fixOf(
  file: DockerfileFile,
  { arg, key }: SecretArg,
  runs: readonly RunInstruction[],
): Fix | undefined {
  if (arg.args.length > 1 || arg.args.some(({ value }) => value !== undefined)) return undefined;
  const mount = ` --mount=type=secret,id=${key},env=${key}`;
  return {
    title: `give ${key} to ${runs.length === 1 ? "the RUN" : `${runs.length} RUNs`} as a secret`,
    edits: [
      removeLines(file, arg),
      ...runs.map((run) => insertAt(shellText(file, run), run.keyword.value.length, mount)),
    ],
  };
}
