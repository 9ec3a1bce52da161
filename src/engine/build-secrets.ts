import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { errorMessage, LighterError } from "#base";
import type { BuildRequest } from "#build";
import { readFields } from "#dockerfile";

type Environment = Readonly<Record<string, string | undefined>>;

/** BuildKit's. What is larger was meant to be a file of the context. */
const secretLimitBytes = 500 << 10;

interface Secret {
  readonly id: string;
  readonly from: { readonly env: string } | { readonly path: string };
}

/**
 * Secrets as `--secret` has them: `id=token,env=TOKEN`, `id=token,src=FILE`, `id=token` for the variable of that name, or
 * else the file. They are read when a step asks for them, so that a cached build reads none.
 * @throws ARGUMENT_INVALID at once for words that cannot be and files that are not there
 */
export function openSecrets(
  words: readonly string[],
  environment: Environment,
): NonNullable<BuildRequest["findSecret"]> {
  const secrets = new Map(words.map((text) => parseSecret(text, environment)).map((one) => [one.id, one]));
  return (id) => {
    const from = secrets.get(id)?.from;
    if (from === undefined) return undefined;
    return "env" in from ? Buffer.from(environment[from.env] ?? "") : readFileSync(from.path);
  };
}

function parseSecret(text: string, environment: Environment): Secret {
  const fail = (state: string): LighterError =>
    new LighterError(
      "ARGUMENT_INVALID",
      `cannot use secret "${text}": ${state}; want id=NAME,src=FILE or id=NAME,env=VARIABLE`,
    );
  const words = readWords(text, fail);
  for (const name of words.keys())
    if (!["id", "src", "source", "env", "type"].includes(name)) throw fail(`"${name}" is unknown`);
  const type = words.get("type");
  if (type !== undefined && type !== "file" && type !== "env") throw fail(`"${type}" is no type of secret`);
  const id = words.get("id");
  if (!id) throw fail("it has no id");
  const source = words.get("src") ?? words.get("source");
  const env = words.get("env") ?? (type === "env" ? (source ?? id) : undefined);
  const isVariable = source === undefined && type !== "file" && environment[id] !== undefined;
  if (env !== undefined) return { id, from: { env } };
  if (isVariable) return { id, from: { env: id } };
  const path = resolve(source ?? id);
  checkFile(path, fail);
  return { id, from: { path } };
}

function readWords(text: string, fail: (state: string) => LighterError): ReadonlyMap<string, string> {
  const read = (): readonly string[] => {
    try {
      return readFields(text);
    } catch (error) {
      throw fail(errorMessage(error));
    }
  };
  return new Map(
    read().map((field) => {
      const equals = field.indexOf("=");
      if (equals < 0) throw fail(`"${field}" has no value`);
      return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
    }),
  );
}

function checkFile(path: string, fail: (state: string) => LighterError): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw fail(`no such file: ${path}`);
  if (!stats.isFile()) throw fail(`${path} is no file`);
  if (stats.size > secretLimitBytes) throw fail(`${path} is larger than 500 kB`);
}
