import { readFileSync } from "node:fs";
import { systemErrorCode } from "#base";

/** What a runtime said when it could not run a container. */
export type RuntimeFailure =
  | {
      readonly kind: "COMMAND_NOT_FOUND" | "COMMAND_NOT_EXECUTABLE";
      readonly state: string;
      readonly help: string;
      readonly words: string;
    }
  | { readonly kind: "other"; readonly words: string };

interface Reading {
  readonly pattern: RegExp;
  readonly kind: "COMMAND_NOT_FOUND" | "COMMAND_NOT_EXECUTABLE";
  readonly state: string;
  readonly help: string;
}

// The words of crun 1.8-1.21 and runc 1.1-1.3; the states are docker's. The first that matches counts.
const readings: readonly Reading[] = [
  {
    pattern: /^chdir `.*`: No such file or directory|chdir to cwd .*: no such file or directory/,
    kind: "COMMAND_NOT_FOUND",
    state: "the directory that it should start in is not there",
    help: "make it, or give another with --workdir",
  },
  {
    pattern:
      /^exec container process .*: No such file or directory|^exec (?!failed).*: no such file or directory$/,
    kind: "COMMAND_NOT_FOUND",
    state: "no such file or directory",
    help: "the interpreter that its first line names, or the dynamic loader, is not in the image",
  },
  {
    pattern: /exec format error/i,
    kind: "COMMAND_NOT_EXECUTABLE",
    state: "exec format error",
    help: "it is no program of this architecture, or a script without a #! line",
  },
  {
    pattern: /^executable file `.*` not found|exec: ".*": (executable file not found|stat .*: no such file)/,
    kind: "COMMAND_NOT_FOUND",
    state: "executable file not found in $PATH",
    help: "look for it in the image or give its full path",
  },
  {
    pattern:
      /^(open executable|exec container process .*|executable file .*): (Permission denied|Operation not permitted|Is a directory)|exec: ".*": (permission denied|is a directory)|^exec .*: permission denied/i,
    kind: "COMMAND_NOT_EXECUTABLE",
    state: "permission denied",
    help: "it must be a regular file with the execute permission",
  },
];

// In a container, or a sandbox of a CI service, with too few rights.
const cgroupWords =
  /^(creating cgroup directory|invalid file system type on|statfs|mkdir) ['`]?\/sys\/fs\/cgroup|cgroup.*read-only file system|no cgroup mount found/i;
const cgroupHelp =
  "each container gets a cgroup, and /sys/fs/cgroup is missing or read-only here: mount it writable, as docker run --privileged does";

/** Reads the runtime's log; undefined when it tells of no error. */
export function readFailure(logPath: string): RuntimeFailure | undefined {
  const words = wordsOf(readLog(logPath));
  return words === "" ? undefined : classify(words);
}

/** Says what the words of a runtime mean. */
export function classify(text: string): RuntimeFailure {
  const words = text.replace(/^runc run failed: (unable to start container process: )?/, "").trim();
  const reading = readings.find(({ pattern }) => pattern.test(words));
  return reading === undefined
    ? { kind: "other", words: cgroupWords.test(words) ? `${words}; ${cgroupHelp}` : words }
    : { kind: reading.kind, state: reading.state, help: reading.help, words };
}

/** The last error of a runtime's output, without the time and level that runc puts around it. */
export function wordsOf(output: string): string {
  const lines = output.trim().split("\n");
  const line = lines.findLast((text) => !/level=(warning|info|debug)/.test(text)) ?? "";
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return quoted === undefined ? line : quoted.replace(/\\(.)/g, "$1");
}

function readLog(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  }
}
