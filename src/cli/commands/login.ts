import { LighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import type { Io } from "../io.ts";

const loginFlags = {
  password: {
    kind: "string",
    short: "p",
    value: "TEXT",
    summary: "Password; better --password-stdin, since others see arguments",
  },
  "password-stdin": { kind: "boolean", summary: "Read the password from the standard input" },
  username: { kind: "string", short: "u", value: "NAME", summary: "User name" },
} as const;

export const login = defineCommand({
  name: "login",
  summary: "Try credentials with a registry and keep them, where docker keeps its own",
  usage: "[OPTIONS] [SERVER]",
  flags: loginFlags,
  arity: { min: 0, max: 1 },
  examples: [
    {
      command: "lighter login -u me --password-stdin registry.example <token",
      explains: "Log in without a password in the shell's history",
    },
  ],
  run: logIn,
});

async function logIn({
  flags,
  args,
  io,
  signal,
  openEngine,
}: Invocation<typeof loginFlags>): Promise<number> {
  if (flags["password-stdin"] && flags.password !== undefined)
    throw usage("cannot use --password and --password-stdin together: choose one");
  if (flags["password-stdin"] && flags.username === undefined)
    throw usage("cannot log in: must provide --username with --password-stdin");
  if (flags.password !== undefined)
    await io.stderr.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  const username = flags.username ?? (await ask(io, "Username: ", true));
  if (username === "") throw usage("cannot log in: the user name is empty");
  const password = flags["password-stdin"]
    ? await readLine(io)
    : (flags.password ?? (await ask(io, "Password: ", false)));
  if (password === "") throw usage("cannot log in: the password is empty");
  await using engine = await openEngine({ keepsNothing: true });
  const kept = await engine.login(serverOf(args[0]), { username, password }, { signal });
  if (kept.kind === "file")
    await io.stderr.write(
      `\nWARNING! Your credentials are stored unencrypted in '${kept.path}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
    );
  await io.stdout.write("Login Succeeded\n");
  return 0;
}

const logoutFlags = {} as const;

export const logout = defineCommand({
  name: "logout",
  summary: "Forget the credentials of a registry",
  usage: "[SERVER]",
  flags: logoutFlags,
  arity: { min: 0, max: 1 },
  examples: [{ command: "lighter logout registry.example", explains: "Forget what login kept" }],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine({ keepsNothing: true });
    const server = serverOf(args[0]);
    const had = await engine.logout(server);
    await io.stdout.write(
      had ? `Removing login credentials for ${server}\n` : `Not logged in to ${server}\n`,
    );
    return 0;
  },
});

/** A registry's host, of what people write: an address with scheme and path, or docker's old ones. */
function serverOf(text: string | undefined): string {
  if (text === undefined) return "docker.io";
  const host = text.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

async function readLine(io: Io): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of io.stdin) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, "");
}

async function ask(io: Io, prompt: string, isShown: boolean): Promise<string> {
  const { stdin } = io;
  if (stdin.isTTY !== true || !("setRawMode" in stdin) || typeof stdin.setRawMode !== "function")
    throw usage(
      "cannot ask who logs in: the standard input is no terminal; use --username and --password-stdin",
    );
  const setRawMode = stdin.setRawMode.bind(stdin) as (isRaw: boolean) => void;
  await io.stderr.write(prompt);
  setRawMode(true);
  try {
    const line = await typedLine(stdin);
    if (isShown) await io.stderr.write(line);
    return line;
  } finally {
    setRawMode(false);
    stdin.pause();
    await io.stderr.write("\n");
  }
}

/** What is typed until Enter; nothing of it is shown. */
async function typedLine(stdin: Io["stdin"]): Promise<string> {
  let line = "";
  for await (const part of stdin) {
    for (const letter of Buffer.from(part as Uint8Array).toString()) {
      if (letter === "\r" || letter === "\n") return line;
      if (letter === "\u0003") throw new LighterError("CANCELLED", "cannot log in: cancelled");
      line = letter === "\u007f" || letter === "\b" ? line.slice(0, -1) : line + letter;
    }
  }
  return line;
}

function usage(message: string): LighterError {
  return new LighterError("USAGE", message, { details: { help: "lighter login --help" } });
}
