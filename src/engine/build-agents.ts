import { readFileSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Cleanup, isLighterError, LighterError, systemErrorCode } from "#base";
import type { BuildRequest } from "#build";
import type { Host } from "#host";

type Environment = Readonly<Record<string, string | undefined>>;
type Fail = (state: string) => LighterError;

interface AgentOptions {
  readonly environment: Environment;
  readonly processes: Host["processes"];
  /** Its end is that of the agents that were started. */
  readonly scope: Cleanup;
}

/** Where the keys behind an id are: in an agent that runs, or in files. */
interface AgentSource {
  readonly word: string;
  readonly from: { readonly socket: string } | { readonly keys: readonly string[] };
}

/** No private key is longer. */
const keyLimitBytes = 100 << 10;

/**
 * Agents as `--ssh` has them: `default`, `ID=SOCKET`, `ID=KEYFILE[,KEYFILE...]`. For keys an agent of the build's own is started
 * when a step asks for it, and ended with the scope.
 * @throws ARGUMENT_INVALID at once for what is neither a socket nor a key without a passphrase; later PROGRAM_MISSING
 */
export function openAgents(
  words: readonly string[],
  options: AgentOptions,
): NonNullable<BuildRequest["findAgent"]> {
  const sources = new Map(words.map((text) => parseAgent(text, options.environment)));
  const started = new Map<string, Promise<string>>();
  return async (id) => {
    const source = sources.get(id);
    if (source === undefined) return undefined;
    if ("socket" in source.from) return source.from.socket;
    const running = started.get(id) ?? startAgent(source.word, source.from.keys, options);
    started.set(id, running);
    return await running;
  };
}

function parseAgent(word: string, environment: Environment): readonly [id: string, source: AgentSource] {
  const [id = "", ...rest] = word.split("=");
  const text = rest.join("=");
  const fail: Fail = (state) =>
    new LighterError("ARGUMENT_INVALID", `cannot use ssh agent "${word}": ${state}`);
  if (id === "") throw fail("it has no id; want default, ID=SOCKET or ID=KEYFILE");
  const given = text === "" ? environment["SSH_AUTH_SOCK"] : text;
  if (!given)
    throw fail("SSH_AUTH_SOCK is not set; name a key file, or start an agent: eval $(ssh-agent) && ssh-add");
  const paths = given.split(",").map((path) => resolve(path));
  const [first = ""] = paths;
  if (paths.length === 1 && findStats(first, fail).isSocket()) return [id, { word, from: { socket: first } }];
  for (const path of paths) checkKey(path, fail);
  return [id, { word, from: { keys: paths } }];
}

function findStats(path: string, fail: Fail): Stats {
  try {
    return statSync(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") throw fail(`no such socket or key: ${path}`);
    throw error;
  }
}

function checkKey(path: string, fail: Fail): void {
  const stats = findStats(path, fail);
  if (stats.isSocket()) throw fail(`${path} is a socket; an id has one socket, or keys`);
  const text = stats.isFile() && stats.size <= keyLimitBytes ? readFileSync(path, "latin1") : "";
  const match = /^-----BEGIN (?:(\w+) )*PRIVATE KEY-----\s([^-]*)/m.exec(text);
  if (match === null) throw fail(`${path} is neither a socket nor a private key`);
  const [, kind, body = ""] = match;
  const isEncrypted =
    kind === "OPENSSH" ? cipherOf(Buffer.from(body, "base64")) !== "none" : /ENCRYPTED/.test(text);
  if (isEncrypted)
    throw fail(
      `the key ${path} has a passphrase; put it into an agent: eval $(ssh-agent) && ssh-add ${path}`,
    );
}

/** @see https://github.com/openssh/openssh-portable/blob/V_9_9_P1/PROTOCOL.key */
function cipherOf(key: Buffer): string {
  const lengthAt = "openssh-key-v1\0".length;
  if (key.length < lengthAt + 4) return "";
  return key.toString("latin1", lengthAt + 4, lengthAt + 4 + key.readUInt32BE(lengthAt));
}

/** @returns the socket of an agent that has the keys and nobody else knows of */
async function startAgent(
  word: string,
  keys: readonly string[],
  { processes, scope }: AgentOptions,
): Promise<string> {
  try {
    // An agent ends, and removes its socket, within 10 s of the program that it was started for. That one reads from this
    // process, and so ends with it however that comes.
    const reader = processes.spawn(
      "ssh-agent",
      ["sh", "-c", 'echo "$SSH_AUTH_SOCK" "$SSH_AGENT_PID"; exec cat'],
      {
        stdio: ["pipe", "pipe", "ignore"],
        // A Ctrl-C is for the build.
        detached: true,
      },
    );
    const [socket, pid] = await firstLine(reader.stdout);
    scope.defer(async () => {
      if (pid !== undefined) processes.signal(Number(pid), "SIGTERM");
      reader.stdin?.end();
      await reader.exited;
    });
    if (socket === undefined || pid === undefined) throw failed(word, "ssh-agent has no socket for it");
    for (const key of keys) {
      // By its standard input: ssh-add takes no file that others may read, and docker does.
      const added = await processes.run("ssh-add", ["-q", "-"], {
        env: { SSH_AUTH_SOCK: socket, PATH: "/usr/local/bin:/usr/bin:/bin" },
        input: readFileSync(key),
      });
      if (added.status !== 0) throw failed(word, `ssh-add takes ${key} for no key: ${added.stderr}`.trim());
    }
    return socket;
  } catch (error) {
    if (!isLighterError(error, "PROGRAM_MISSING")) throw error;
    throw new LighterError(
      "PROGRAM_MISSING",
      `cannot use ssh agent "${word}": keys need ssh-agent and ssh-add; install openssh-client, or give the socket of an agent`,
      { cause: error },
    );
  }
}

async function firstLine(output: NodeJS.ReadableStream | undefined): Promise<readonly string[]> {
  let text = "";
  for await (const chunk of output ?? []) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  return text.trim().split(" ");
}

function failed(word: string, state: string): LighterError {
  return new LighterError("BUILD_FAILED", `cannot use ssh agent "${word}": ${state}`);
}
