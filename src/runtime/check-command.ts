import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { posix } from "node:path";
import { type Code, LighterError } from "#base";
import type { Host } from "#host";
import { interpreterOf } from "./interpreter.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";

const headBytes = 4096;
const standardMounts = /^\/(proc|sys|dev|etc\/(hosts|hostname|resolv\.conf))(\/|$)/;

/**
 * Looks for the program in the container's root before anything is started, so that the common mistakes are told at
 * once, in the same words for every runtime: no such program, no execute permission, a script or a dynamic program
 * whose interpreter is not in the image. Silent when it cannot know (other mounts may bring the program).
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
 */
export function checkCommand(host: Pick<Host, "files">, spec: RuntimeSpec): void {
  if (spec.mounts.some((mount) => !standardMounts.test(mount.destination))) return;
  const command = spec.process.args[0] ?? "";
  const found = find(host, spec, command);
  if (found === "missing") throw refusal("COMMAND_NOT_FOUND", command, notFound(command));
  if (found === "not executable")
    throw refusal(
      "COMMAND_NOT_EXECUTABLE",
      command,
      "permission denied; it must be a regular file with the execute permission",
    );
  const interpreter = interpreterOf(found);
  if (interpreter === undefined || has(host, spec, interpreter.path)) return;
  throw refusal(
    "COMMAND_NOT_FOUND",
    command,
    `its ${interpreter.role} "${interpreter.path}" is not in the image; ${interpreter.help}`,
  );
}

/** The first bytes of the program, or why it cannot be run. */
function find(
  host: Pick<Host, "files">,
  spec: RuntimeSpec,
  command: string,
): Buffer | "missing" | "not executable" {
  let result: "missing" | "not executable" = "missing";
  for (const path of candidates(spec, command)) {
    const found = look(host, spec.root.path, path);
    if (found instanceof Buffer) return found;
    if (found === "not executable") result = found;
  }
  return result;
}

function candidates(spec: RuntimeSpec, command: string): readonly string[] {
  if (command.includes("/")) return [posix.resolve(spec.process.cwd, command)];
  if (command === "") return [];
  const { env, cwd } = spec.process;
  const path = env.findLast((variable) => variable.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path.split(":").map((folder) => posix.resolve(cwd, folder, command));
}

function look(
  host: Pick<Host, "files">,
  rootfs: string,
  path: string,
): Buffer | "missing" | "not executable" {
  const fd = host.files.openInRoot(rootfs, path);
  if (fd === undefined) return "missing";
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && (stat.mode & 0o111) !== 0 ? readHead(fd) : "not executable";
  } finally {
    closeSync(fd);
  }
}

/** `fd` is an O_PATH descriptor, which must be opened again to be read. */
function readHead(fd: number): Buffer {
  const readable = openSync(`/proc/self/fd/${fd}`, "r");
  try {
    const head = Buffer.alloc(headBytes);
    return head.subarray(0, readSync(readable, head, 0, headBytes, 0));
  } finally {
    closeSync(readable);
  }
}

function has(host: Pick<Host, "files">, spec: RuntimeSpec, path: string): boolean {
  const fd = host.files.openInRoot(spec.root.path, posix.resolve(spec.process.cwd, path));
  if (fd !== undefined) closeSync(fd);
  return fd !== undefined;
}

function notFound(command: string): string {
  return command.includes("/")
    ? "no such file or directory; look for it in the image"
    : "executable file not found in $PATH; look for it in the image or give its full path";
}

function refusal(code: Code, command: string, state: string): LighterError {
  return new LighterError(code, `cannot run "${command}": ${state}`, { details: { command } });
}
