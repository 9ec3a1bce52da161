import { isLighterError, LighterError } from "#base";
import type { Command, Invocation } from "./command.ts";
import { commandAliases, commandGroups, commandLoaders } from "./commands.ts";
import type { CliEngine } from "./engine-port.ts";
import { describeFailure } from "./failure.ts";
import type { Io } from "./io.ts";
import { globalFlags, parseFlags } from "./parse-flags.ts";
import { scratchStore } from "./scratch-store.ts";
import { findSuggestion } from "./suggest.ts";

/** What the command line needs of the process; tests hand in their own. */
export interface Host {
  readonly io: Io;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Gives signals to a command that passes them on to a program. */
  onSignals(send: (signal: NodeJS.Signals) => void): void;
  openEngine(options: {
    readonly root?: string;
    readonly onWarning: (text: string) => void;
  }): Promise<CliEngine>;
}

/** Runs one command line and resolves to the exit status. Never rejects: a failure is told on stderr. */
export async function runCommandLine(words: readonly string[], host: Host): Promise<number> {
  let command: Command | undefined;
  try {
    const { leading, rest } = takeGlobalFlags(words);
    if (leading.includes("--version")) return await start("version", [], host);
    if (rest.length === 0) return await showOverview(unaskedHelp(leading, host.io));
    if (rest[0] === "help") return await showHelp(rest.slice(1), host.io);
    const found = findCommandName(rest);
    if (found === undefined) return await showGroup(rest, leading, host.io);
    command = await loadCommand(found.name);
    return await runCommand(command, [...leading, ...found.words], host);
  } catch (error) {
    const isDebug = words.includes("--debug");
    const failure = describeFailure(error, { isDebug, command, signal: host.signal });
    await host.io.stderr.write(failure.text);
    return failure.exit;
  }
}

async function start(name: string, words: readonly string[], host: Host): Promise<number> {
  return runCommand(await loadCommand(name), words, host);
}

async function runCommand(command: Command, words: readonly string[], host: Host): Promise<number> {
  const { flags, args } = parseFlags(command, words);
  if (flags["help"] === true) return showText(host.io, (await import("./help.ts")).commandHelp(command));
  const root = flags["root"];
  const open = (place: unknown): Promise<CliEngine> =>
    host.openEngine({
      ...(typeof place === "string" && { root: place }),
      onWarning: (text) => void host.io.stderr.write(`lighter: warning: ${text}\n`),
    });
  using scratch = scratchStore();
  const invocation: Invocation = {
    flags: flags as Invocation["flags"],
    args,
    io: host.io,
    signal: host.signal,
    onSignals: (send) => host.onSignals(send),
    openEngine: async ({ keepsNothing = false } = {}) => {
      try {
        return await open(root);
      } catch (error) {
        if (!keepsNothing || !isLighterError(error, "STORE_UNUSABLE")) throw error;
        return await open(scratch.root());
      }
    },
  };
  return await command.run(invocation);
}

/** Flags before the command's name, spelled so that the command's own parser takes them. */
function takeGlobalFlags(words: readonly string[]): { leading: readonly string[]; rest: readonly string[] } {
  const leading: string[] = [];
  let index = 0;
  for (let word = words[index]; word?.startsWith("-"); word = words[index]) {
    index += 1;
    if (word === "-v" || word === "--version") leading.push("--version");
    else if (word === "-D" || word === "--debug") leading.push("--debug");
    else if (word === "-h" || word === "--help")
      return { leading: [], rest: ["help", ...words.slice(index)] };
    else if (word.startsWith("--root=")) leading.push(word);
    else if (word === "--root") {
      const value = words[index];
      if (value === undefined)
        throw new LighterError("USAGE", "flag needs an argument: --root", overviewHint);
      leading.push("--root", value);
      index += 1;
    } else throw unknownGlobalFlag(word);
  }
  return { leading, rest: words.slice(index) };
}

const overviewHint = { details: { usage: "Usage:  lighter [OPTIONS] COMMAND", help: "lighter --help" } };

function unknownGlobalFlag(word: string): LighterError {
  const suggestion = findSuggestion(word.replace(/^-+/, ""), [...Object.keys(globalFlags), "version"]);
  const hint = suggestion === undefined ? "" : `; did you mean --${suggestion}?`;
  return new LighterError("USAGE", `unknown flag: ${word}${hint}`, overviewHint);
}

/** The longest name that the words begin with, and what is left of them. */
function findCommandName(words: readonly string[]): { name: string; words: readonly string[] } | undefined {
  for (const length of [3, 2, 1]) {
    const typed = words.slice(0, length).join(" ");
    const name = Object.hasOwn(commandAliases, typed) ? commandAliases[typed] : typed;
    if (name !== undefined && Object.hasOwn(commandLoaders, name))
      return { name, words: words.slice(length) };
  }
  return undefined;
}

async function loadCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(commandLoaders, name) ? commandLoaders[name] : undefined;
  if (load === undefined) throw unknownCommand([name]);
  return load();
}

async function showGroup(words: readonly string[], leading: readonly string[], io: Io): Promise<number> {
  const [group = "", ...rest] = words;
  if (!Object.hasOwn(commandGroups, group)) throw unknownCommand(words);
  const asksHelp = [...leading, ...rest].every((word) => word.startsWith("-"));
  if (!asksHelp) throw unknownCommand(words);
  return showText(unaskedHelp([...leading, ...rest], io), await (await import("./help.ts")).groupHelp(group));
}

/** What nobody asked for is no output. */
function unaskedHelp(words: readonly string[], io: Io): Io {
  return words.some((word) => word === "--help" || word === "-h") ? io : { ...io, stdout: io.stderr };
}

const noSwarm = "lighter works on one machine and has no swarm";

/** Commands of docker's that there are none of here, and what its users do instead. */
const absentCommands: Readonly<Record<string, string>> = {
  compose:
    "lighter reads no Compose files; make a network with lighter network create and run each service on it",
  config: noSwarm,
  context: "there is no daemon to choose; --root and LIGHTER_ROOT choose the store",
  node: noSwarm,
  plugin: "lighter has no plugins",
  secret: `${noSwarm}; a build takes secrets with lighter build --secret`,
  service: noSwarm,
  stack: noSwarm,
  swarm: noSwarm,
  trust: "lighter reads and writes no signatures of images; name an image by its digest to be sure of it",
};

function unknownCommand(words: readonly string[]): LighterError {
  const [first = "", second] = words;
  const inGroup = Object.hasOwn(commandGroups, first) && second !== undefined;
  const elsewhere = Object.hasOwn(absentCommands, first) ? absentCommands[first] : undefined;
  if (elsewhere !== undefined)
    return new LighterError("ARGUMENT_INVALID", `cannot do "${first}": ${elsewhere}`, {
      details: { usage: undefined, help: "lighter --help" },
    });
  const typed = inGroup ? `${first} ${second}` : first;
  const suggestion = findSuggestion(typed, [
    ...Object.keys(commandLoaders),
    ...Object.keys(commandGroups),
    "help",
  ]);
  const hint = suggestion === undefined ? "" : `; did you mean "lighter ${suggestion}"?`;
  return new LighterError("ARGUMENT_INVALID", `unknown command: lighter ${typed}${hint}`, {
    details: { usage: undefined, help: inGroup ? `lighter ${first} --help` : "lighter --help" },
  });
}

async function showHelp(words: readonly string[], io: Io): Promise<number> {
  const named = words.filter((word) => !word.startsWith("-"));
  if (named.length === 0) return showOverview(io);
  const found = findCommandName(named);
  if (found === undefined) return showGroup(named.slice(0, 2), ["--help"], io);
  return showText(io, (await import("./help.ts")).commandHelp(await loadCommand(found.name)));
}

async function showOverview(io: Io): Promise<number> {
  return showText(io, await (await import("./help.ts")).overview());
}

async function showText(io: Io, text: string): Promise<number> {
  await io.stdout.write(text);
  return 0;
}
