export type {
  AddInstruction,
  ArgDefinition,
  ArgInstruction,
  CmdInstruction,
  CommandLine,
  Comment,
  CopyInstruction,
  Device,
  Directive,
  DockerfileFile,
  EntrypointInstruction,
  EnvInstruction,
  ExposeInstruction,
  Flag,
  FromInstruction,
  HealthcheckInstruction,
  Heredoc,
  InlineFile,
  Instruction,
  InstructionSource,
  InvalidInstruction,
  KeyValue,
  LabelInstruction,
  MaintainerInstruction,
  MountFlag,
  OnbuildInstruction,
  Position,
  Range,
  RunInstruction,
  ShellInstruction,
  Stage,
  StopSignalInstruction,
  UserInstruction,
  VolumeInstruction,
  Word,
  WorkdirInstruction,
} from "./ast.ts";
export { readFields } from "./csv.ts";
export { type Diagnostic, errorText } from "./diagnostic.ts";
export { detectSyntax, type SyntaxDirective } from "./directives.ts";
export { type ExpandOptions, type Expansion, expandWord, expandWords, type Lookup } from "./expand.ts";
export { codeFrame } from "./frame.ts";
export { compareText, quote } from "./go-text.ts";
export { chompHeredoc, findHeredocWord, type HeredocWord } from "./heredoc.ts";
export { compileIgnore, type IgnoreEntry, type IgnoreMatcher, readIgnoreFile } from "./ignore.ts";
export {
  applyFixes,
  buildChecks,
  type CheckOptions,
  checkSyntax,
  createReporter,
  type Fix,
  type FixedText,
  isSecretName,
  type LintWarning,
  lintOwn,
  type OwnRule,
  type OwnRuleOptions,
  ownRules,
  parseCheckOptions,
  type Reporter,
  type Rule,
  silentReporter,
  type TextEdit,
} from "./lint/index.ts";
export { type Mount, parseMount } from "./mount.ts";
export { type ParseResult, parse, parseTrigger } from "./parse.ts";
export { print } from "./print.ts";
export { parseSize } from "./size.ts";
export { didYouMean, suggest } from "./suggest.ts";
export { usageHint } from "./usage-hint.ts";
