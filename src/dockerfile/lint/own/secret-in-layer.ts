import type {
  ArgInstruction,
  DockerfileFile,
  EnvInstruction,
  Instruction,
  Range,
  RunInstruction,
  Stage,
} from "../../ast.ts";
import type { Reporter } from "../reporter.ts";
import { isSecretName } from "../secret-name.ts";
import type { Fix, TextEdit } from "../warning.ts";
import { finalStages } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { mountSecretFile } from "./secret-file.ts";
import { insertAt, removeLines, shellText } from "./shell-text.ts";

const rule = sentenceRule(
  "SecretInLayer",
  "A secret should reach a RUN by --mount=type=secret: what a layer or the history holds stays readable",
);

const secretFiles =
  /(?:^|\/)(?:\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?|\.npmrc|\.netrc|\.pypirc|\.git-credentials|\.dockercfg|id_(?:rsa|dsa|ecdsa|ed25519)|credentials(?:\.json)?|.*\.(?:key|p12|pfx|keystore|jks)|\.aws|\.ssh)$/;
const secretText =
  /\b(?:AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abp]-[\w-]{10,}|npm_[A-Za-z0-9]{36})\b|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Names that only package managers ask for. */
const buildSecrets =
  /^(?:NPM_|NODE_AUTH_TOKEN$|PIP_|UV_|POETRY_|BUNDLE_|CARGO_|GITHUB_TOKEN$|GH_TOKEN$|MAVEN_)/;

/** Looks for secret files that are copied, secrets written out, and secret ARGs that a RUN uses. */
export const secretInLayer: OwnRule = {
  rule,
  check: (file, reporter) => {
    for (const stage of file.stages) {
      for (const instruction of stage.instructions) checkInstruction(file, { stage, instruction }, reporter);
      checkArgs(file, stage, reporter);
    }
  },
};

function checkInstruction(
  file: DockerfileFile,
  { stage, instruction }: { readonly stage: Stage; readonly instruction: Instruction },
  reporter: Reporter,
): void {
  const { range } = instruction;
  const within = reporter.within(instruction.comments);
  if (instruction.kind === "COPY" || instruction.kind === "ADD") {
    const found = instruction.sources.find((source) => secretFiles.test(source) && !/^https?:/.test(source));
    const fromStage = instruction.kind === "COPY" && instruction.from !== undefined;
    if (found !== undefined && !fromStage) {
      const fix = mountSecretFile(file, { stage, copy: instruction, source: found });
      const hint = "RUN --mount=type=secret,id=<name>,target=<path> for each RUN that reads it, and no COPY";
      const sentence = `${found} becomes part of a layer: give it to the RUN that needs it with --mount=type=secret`;
      within.reportWithFix(rule, { range, fix, hint }, sentence);
    }
  }
  if (secretText.test(file.text.slice(range.start.offset, range.end.offset))) {
    const hint = "make a new one, and give it to the RUN with --mount=type=secret,id=<name>,env=<NAME>";
    const sentence = "A credential is written out here: revoke it, then use --mount=type=secret";
    within.reportWithFix(rule, { range, hint }, sentence);
  }
}

function checkArgs(file: DockerfileFile, stage: Stage, reporter: Reporter): void {
  const args = stage.instructions.filter((instruction) => instruction.kind === "ARG");
  if (!args.some((arg) => arg.args.some(({ key }) => isSecretName(key)))) return;
  const uses = usesOf(file, stage);
  for (const arg of args)
    for (const { key } of arg.args) {
      const users = (uses.get(key) ?? []).filter(({ range }) => range.start.offset > arg.range.start.offset);
      const mayDropEnv = buildSecrets.test(key) || !finalStages(file).includes(stage);
      if (isSecretName(key)) checkArg(file, { arg, key, users, mayDropEnv }, reporter);
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
  /** Whether an ENV that repeats it is for builds alone: nothing that runs later can want it. */
  readonly mayDropEnv: boolean;
}

function checkArg(file: DockerfileFile, secret: SecretArg, reporter: Reporter): void {
  const { arg, key, users, mayDropEnv } = secret;
  const runs = users.filter((instruction): instruction is RunInstruction => instruction.kind === "RUN");
  if (runs.length === 0) return;
  const others = users.filter(({ kind }) => kind !== "RUN");
  const copies = others.filter((one): one is EnvInstruction => one.kind === "ENV" && repeats(one, key));
  const isClear = copies.length === others.length && (copies.length === 0 || mayDropEnv);
  const fix = isClear ? fixOf(file, secret, { runs, copies }) : undefined;
  const hint = `RUN --mount=type=secret,id=${key},env=${key} in place of the ARG, and lighter build --secret id=${key},env=${key}`;
  const sentence = `The value of ARG ${key} can be read in the history of the image: pass it as --secret id=${key}`;
  reporter.within(arg.comments).reportWithFix(rule, { range: arg.range, fix, hint }, sentence);
}

/** `ENV KEY=$KEY` and nothing else. */
function repeats({ pairs }: EnvInstruction, key: string): boolean {
  const [pair, ...more] = pairs;
  return (
    more.length === 0 && pair?.key === key && [`$${key}`, `\${${key}}`].includes(pair.value.replace(/"/g, ""))
  );
}

/** The ARG goes, and every RUN that names it gets the secret as a variable of the same name. */
function fixOf(
  file: DockerfileFile,
  { arg, key }: SecretArg,
  { runs, copies }: { readonly runs: readonly RunInstruction[]; readonly copies: readonly EnvInstruction[] },
): Fix | undefined {
  if (arg.args.some((one) => one.key === key && one.value !== undefined)) return undefined;
  const word = arg.words.find(({ value }) => value === key);
  const mount = ` --mount=type=secret,id=${key},env=${key}`;
  const removal = arg.args.length === 1 ? removeLines(file, arg) : word && removeWord(file, word.range);
  if (removal === undefined) return undefined;
  return {
    title: `give ${key} to ${runs.length === 1 ? "the RUN" : `${runs.length} RUNs`} as a secret`,
    edits: [
      removal,
      ...copies.map((copy) => removeLines(file, copy)),
      ...runs.map((run) => insertAt(shellText(file, run), run.keyword.value.length, mount)),
    ],
  };
}

/** A word with the blanks before it. */
function removeWord(file: DockerfileFile, { start, end }: Range): TextEdit {
  const before = /[ \t]*$/.exec(file.text.slice(0, start.offset))?.[0].length ?? 0;
  return { start: start.offset - before, end: end.offset, text: "" };
}
