import { readFileSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";

type Environment = Readonly<Record<string, string | undefined>>;

/** `-e`: `NAME=VALUE` as it stands; `NAME` alone with the caller's value, or alone, which takes it away, when the caller has none. */
export function givenEnv(given: readonly string[], environment: Environment): readonly string[] {
  return given.map((text) => {
    const equals = text.indexOf("=");
    if (equals === 0 || text === "")
      throw new LighterError("USAGE", `cannot set variable "${text}": the name is empty`);
    const value = equals > 0 ? undefined : environment[text];
    return value === undefined ? text : `${text}=${value}`;
  });
}

/** As {@link givenEnv}; a `NAME` that the caller has not is left out. */
function resolveEnv(given: readonly string[], environment: Environment): readonly string[] {
  return givenEnv(given, environment).filter((text) => text.includes("="));
}

/** Lines of an env file: comments and empty lines skipped, nothing unquoted (docker's rules). */
export function readEnvFile(path: string, environment: Environment): readonly string[] {
  const lines = readText(path)
    .replace(/^\ufeff/, "")
    .split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const text = line.trimStart();
    if (text === "" || text.startsWith("#")) return [];
    const name = text.split("=", 1)[0] ?? "";
    if (name === "" || /\s/.test(name))
      throw new LighterError("USAGE", `cannot read ${path}:${index + 1}: "${name}" is not a variable name`);
    return resolveEnv([text], environment);
  });
}

function readText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const state = systemErrorCode(error) === "ENOENT" ? "no such file" : errorMessage(error);
    throw new LighterError("USAGE", `cannot read env file "${path}": ${state}`, { cause: error });
  }
}

/** `NAME=VALUE` pairs as a record; `NAME` alone takes the caller's value or is left out. A later one wins. */
export function resolvePairs(
  given: readonly string[],
  environment: Environment,
): Readonly<Record<string, string>> {
  const nameless = given.find((text) => text === "" || text.startsWith("="));
  if (nameless !== undefined)
    throw new LighterError("ARGUMENT_INVALID", `cannot set variable "${nameless}": the name is empty`);
  return Object.fromEntries(
    resolveEnv(given, environment).map((text) => {
      const equals = text.indexOf("=");
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** `--label`: a label without a value is empty. */
export function parseLabels(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf("=");
      if (equals === 0 || text === "")
        throw new LighterError("ARGUMENT_INVALID", `cannot set label "${text}": the name is empty`);
      return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** `--platform`, or what `DOCKER_DEFAULT_PLATFORM` says, as every command of docker's that takes an image. */
export function platformOf(
  given: string | undefined,
  environment: Environment,
): { readonly platform?: string } {
  const platform = given || environment["DOCKER_DEFAULT_PLATFORM"];
  return platform ? { platform } : {};
}
