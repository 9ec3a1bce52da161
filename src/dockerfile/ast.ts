/**
 * The tree of a Dockerfile: frozen, tagged data. `kind` tells the instruction, the fields hold what its line says,
 * before any variable is expanded.
 *
 * https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/docs/reference.md
 */

/** A place in {@link DockerfileFile.text}: `line` and `column` count from 1, `offset` from 0, in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

/** A stretch of text; `end` is exclusive. The lines it covers are `start.line` to `end.line`, as BuildKit reports them. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** One word as the parser split it: quotes are kept where BuildKit removes them only on expansion. */
export interface Word {
  readonly value: string;
  readonly range: Range;
}

/** `--name` or `--name=value` after the keyword. `text` is the whole word without quotes and escapes. */
export interface Flag {
  readonly name: string;
  readonly value?: string;
  readonly text: string;
  readonly range: Range;
}

/** A comment line that stands by itself: `text` is what follows the `#`, trimmed. */
export interface Comment {
  readonly text: string;
  readonly range: Range;
}

/** `# syntax=`, `# escape=` or `# check=` at the top of the file. */
export interface Directive {
  readonly name: "syntax" | "escape" | "check";
  readonly value: string;
  readonly range: Range;
}

/**
 * `[fd]<<[-]word` on a line of RUN, COPY or ADD, with the lines that follow it.
 * `content` is as written: leading tabs are removed by {@link chompHeredoc}, only when `chomp` says so.
 */
export interface Heredoc {
  readonly name: string;
  readonly fileDescriptor: number;
  /** False when any part of the word was quoted. */
  readonly expand: boolean;
  /** `<<-`. */
  readonly chomp: boolean;
  readonly content: string;
  /** The lines of the content, without the terminator. */
  readonly range: Range;
}

/** What every instruction carries, parsed or not. */
export interface InstructionSource {
  /** From the keyword to the last line that was read for it, heredocs included. */
  readonly range: Range;
  readonly keyword: Word;
  readonly flags: readonly Flag[];
  /** The arguments after the flags: the elements of an exec form, else the words that BuildKit splits. */
  readonly words: readonly Word[];
  /** The arguments were a JSON array of strings. */
  readonly json: boolean;
  readonly heredocs: readonly Heredoc[];
  /** The logical line: continuations joined, comments and empty lines within it dropped, nothing trimmed at its end. */
  readonly original: string;
  /** Comment lines directly above, trimmed; an empty `#` line starts afresh. */
  readonly comments: readonly string[];
  /** The line at which the reader stood when the instruction had an empty line inside a continuation. */
  readonly emptyContinuationLine?: number;
}

/** `FROM [--platform=p] image [AS name]`. */
export interface FromInstruction extends InstructionSource {
  readonly kind: "FROM";
  readonly image: string;
  /** The name of the stage in lower case. */
  readonly name?: string;
  readonly platform?: string;
  /** What the comment above says of the stage after its name. */
  readonly docComment?: string;
}

/** One name of ARG, with its default if it has one. */
export interface ArgDefinition {
  readonly key: string;
  readonly value?: string;
  readonly docComment?: string;
}

/** `ARG name[=default] ...`. */
export interface ArgInstruction extends InstructionSource {
  readonly kind: "ARG";
  readonly args: readonly ArgDefinition[];
}

/** `legacy` marks the old form `KEY value with blanks`. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly legacy: boolean;
}

/** `ENV key=value ...`. */
export interface EnvInstruction extends InstructionSource {
  readonly kind: "ENV";
  readonly pairs: readonly KeyValue[];
}

/** `LABEL key=value ...`. */
export interface LabelInstruction extends InstructionSource {
  readonly kind: "LABEL";
  readonly pairs: readonly KeyValue[];
}

/**
 * A command: in shell form `args` has one element, the text for the shell (none when the line is empty); in exec
 * form it is the argument vector.
 */
export interface CommandLine {
  readonly form: "shell" | "exec";
  readonly args: readonly string[];
}

/**
 * `--mount=` of RUN as written: the fields of its comma-separated list. Values may hold variables:
 * {@link parseMount} gives the mount itself once they can be expanded.
 */
export interface MountFlag {
  readonly text: string;
  readonly fields: readonly { readonly key: string; readonly value?: string }[];
  /** Value of `from`, which is never expanded. */
  readonly from?: string;
  /** Value of `type` as written; `bind` when absent. May hold a variable. */
  readonly type: string;
}

/** `--device=` of RUN: a CDI device. */
export interface Device {
  readonly name: string;
  readonly required: boolean;
}

/** `RUN [--mount=...] [--network=...] [--security=...] [--device=...] command`. */
export interface RunInstruction extends InstructionSource {
  readonly kind: "RUN";
  readonly command: CommandLine;
  readonly mounts: readonly MountFlag[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  readonly devices: readonly Device[];
}

/** A file given in a heredoc of COPY or ADD; `content` has its tabs removed already when the word said `<<-`. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
  readonly expand: boolean;
}

interface CopySource extends InstructionSource {
  /** Paths, patterns and URLs; heredocs are in `files`. */
  readonly sources: readonly string[];
  readonly files: readonly InlineFile[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly excludes: readonly string[];
}

/** `COPY [flags] source... destination`. */
export interface CopyInstruction extends CopySource {
  readonly kind: "COPY";
  readonly from?: string;
  readonly parents: boolean;
}

/** `ADD [flags] source... destination`. */
export interface AddInstruction extends CopySource {
  readonly kind: "ADD";
  readonly checksum?: string;
  /** Absent when the flag is. */
  readonly keepGitDir?: boolean;
  /** Absent when the flag is. */
  readonly unpack?: boolean;
}

/** `WORKDIR path`. */
export interface WorkdirInstruction extends InstructionSource {
  readonly kind: "WORKDIR";
  readonly path: string;
}

/** `USER user[:group]`. */
export interface UserInstruction extends InstructionSource {
  readonly kind: "USER";
  readonly user: string;
}

/** `VOLUME path ...`. */
export interface VolumeInstruction extends InstructionSource {
  readonly kind: "VOLUME";
  readonly volumes: readonly string[];
}

/** `EXPOSE port[/protocol] ...`. */
export interface ExposeInstruction extends InstructionSource {
  readonly kind: "EXPOSE";
  /** Sorted by bytes, as BuildKit keeps them; `words` has the order of the line. */
  readonly ports: readonly string[];
}

/** `CMD command`. */
export interface CmdInstruction extends InstructionSource {
  readonly kind: "CMD";
  readonly command: CommandLine;
}

/** `ENTRYPOINT command`. */
export interface EntrypointInstruction extends InstructionSource {
  readonly kind: "ENTRYPOINT";
  readonly command: CommandLine;
}

/** `SHELL ["executable", ...]`. */
export interface ShellInstruction extends InstructionSource {
  readonly kind: "SHELL";
  readonly shell: readonly string[];
}

/** `STOPSIGNAL signal`. */
export interface StopSignalInstruction extends InstructionSource {
  readonly kind: "STOPSIGNAL";
  readonly signal: string;
}

/** `HEALTHCHECK [options] CMD command`, or `NONE`. Durations in nanoseconds, as the image config has them; 0 means inherit. */
export interface HealthcheckInstruction extends InstructionSource {
  readonly kind: "HEALTHCHECK";
  /** `["NONE"]`, `["CMD", ...]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

/** `MAINTAINER name`, deprecated. */
export interface MaintainerInstruction extends InstructionSource {
  readonly kind: "MAINTAINER";
  readonly maintainer: string;
}

/** `ONBUILD instruction`. */
export interface OnbuildInstruction extends InstructionSource {
  readonly kind: "ONBUILD";
  /** The source text of the trigger, heredocs included: what the image config stores. */
  readonly expression: string;
  /** The trigger, split but not judged: BuildKit judges it in the build that uses the image. */
  readonly trigger: Instruction;
}

/** An instruction that is unknown or whose line is refused; a diagnostic says why. */
export interface InvalidInstruction extends InstructionSource {
  readonly kind: "INVALID";
  /** ONBUILD only: the trigger as far as it was read. */
  readonly trigger?: Instruction;
}

/** Any instruction; switch on `kind`. */
export type Instruction =
  | FromInstruction
  | ArgInstruction
  | EnvInstruction
  | LabelInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | WorkdirInstruction
  | UserInstruction
  | VolumeInstruction
  | ExposeInstruction
  | CmdInstruction
  | EntrypointInstruction
  | ShellInstruction
  | StopSignalInstruction
  | HealthcheckInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | InvalidInstruction;

/** FROM and what follows it, up to the next FROM. */
export interface Stage {
  readonly index: number;
  readonly from: FromInstruction;
  /** Without the FROM. */
  readonly instructions: readonly Instruction[];
}

/** A whole Dockerfile. */
export interface DockerfileFile {
  /** The text that all ranges refer to: decoded, without a byte order mark, line endings as given. */
  readonly text: string;
  readonly escape: "\\" | "`";
  readonly directives: readonly Directive[];
  readonly instructions: readonly Instruction[];
  /** Every comment line outside heredocs, those inside continuations included, directives not. */
  readonly comments: readonly Comment[];
  /** ARG before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
}
