import type { CliEngine } from "./engine-port.ts";
import type { Io } from "./io.ts";

/** One option of a command, as data: parsing, help, completion and the command pages all derive from it. */
export interface Flag {
  readonly kind: "boolean" | "string" | "list" | "integer";
  /** One letter. */
  readonly short?: string;
  /** What stands for the value in the help: `NAME:TAG`. */
  readonly value?: string;
  readonly summary: string;
  /** The only values allowed; completion offers them. */
  readonly choices?: readonly string[];
  /** Docker's parser takes any value and its command refuses one: status 1, where another flag's is 125. */
  readonly isChosenLate?: true;
  /** Docker's older names of it, which its help does not show any more. */
  readonly formerly?: readonly string[];
  /** For booleans that are on unless switched off with `--flag=false`. */
  readonly on?: true;
}

export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F["kind"] extends "boolean"
  ? boolean
  : F["kind"] extends "list"
    ? readonly string[]
    : F["kind"] extends "integer"
      ? number | undefined
      : string | undefined;

/** Values by flag name: false, undefined or an empty list when a flag was not given. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: FlagValue<F[Name]> };

/** What a completed word names, so that completion can ask the store. */
export type ArgumentKind =
  | "image"
  | "container"
  | "network"
  /** A network or a container. */
  | "endpoint"
  | "volume"
  | "file"
  | "directory"
  | "shell";

/** A command: data and one function. */
export interface Command<F extends Flags = Flags> {
  /** Words after `lighter`: `build`, `image inspect`. */
  readonly name: string;
  readonly summary: string;
  /** After the name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  readonly flags: F;
  /** How many arguments are taken. */
  readonly arity: { readonly min: number; readonly max: number };
  readonly argument?: ArgumentKind;
  /** Flags end at the first argument: the rest belongs to the program in the container. */
  readonly stopsAtArgument?: true;
  /** Docker's flags that lighter will not have, and why. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Docker's flags that this version refuses by name, so that nobody mistakes them for a typing error. */
  readonly notYet?: readonly string[];
  /** At least one: a help page teaches by example. */
  readonly examples: readonly Example[];
  /** Resolves to the exit status. */
  run(invocation: Invocation<F>): Promise<number>;
}

export interface Example {
  readonly command: string;
  readonly explains: string;
}

/** What a command gets. */
export interface Invocation<F extends Flags = Flags> {
  readonly flags: FlagValues<F>;
  readonly args: readonly string[];
  readonly io: Io;
  /** Aborted by Ctrl-C; the command cleans up and ends. */
  readonly signal: AbortSignal;
  /** From the call on signals of the terminal and of other programs go to `send`, and do not abort {@link signal}. */
  onSignals(send: (signal: NodeJS.Signals) => void): void;
  /** Opens the store; the engine is loaded only then. What keeps nothing works where its user may open no store, too. */
  openEngine(options?: { readonly keepsNothing?: boolean }): Promise<CliEngine>;
}

/** Keeps the types of the flags while it hides them from the table of commands. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
  return Object.freeze(command);
}
