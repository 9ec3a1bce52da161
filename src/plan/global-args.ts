import { type ArgInstruction, type DockerfileFile, expandWord } from "#dockerfile";
import { formatPlatform, type Platform } from "#oci";
import { formatFullPlatform } from "./base-name.ts";
import { locate } from "./fault.ts";
import type { OutlineArg } from "./stage-state.ts";

/** The arguments that every build has: BUILD*, TARGET*. `--build-arg` may override each. */
export function platformArgs(
  platforms: { readonly build: Platform; readonly target: Platform },
  buildArgs: ReadonlyMap<string, string>,
  targetStage: string,
): Map<string, string> {
  const { build, target } = platforms;
  const args: readonly (readonly [string, string])[] = [
    ["BUILDPLATFORM", formatPlatform(build)],
    ["BUILDOS", build.os],
    ["BUILDOSVERSION", build["os.version"] ?? ""],
    ["BUILDARCH", build.architecture],
    ["BUILDVARIANT", build.variant ?? ""],
    ["TARGETPLATFORM", formatFullPlatform(target)],
    ["TARGETOS", target.os],
    ["TARGETOSVERSION", target["os.version"] ?? ""],
    ["TARGETARCH", target.architecture],
    ["TARGETVARIANT", target.variant ?? ""],
    ["TARGETSTAGE", targetStage === "" ? "default" : targetStage],
  ];
  return new Map(args.map(([name, value]) => [name, buildArgs.get(name) ?? value]));
}

/** ARGs before the first FROM: their values on top of `env`, and what outlines say of them. */
export function readGlobalArgs(
  file: DockerfileFile,
  env: ReadonlyMap<string, string>,
  buildArgs: ReadonlyMap<string, string>,
): { readonly env: Map<string, string>; readonly args: Map<string, OutlineArg> } {
  const result = { env: new Map(env), args: new Map<string, OutlineArg>() };
  for (const instruction of file.globalArgs)
    locate(instruction.range, () => readGlobalArg(file, instruction, { ...result, buildArgs }));
  return result;
}

interface Scope {
  readonly env: Map<string, string>;
  readonly args: Map<string, OutlineArg>;
  readonly buildArgs: ReadonlyMap<string, string>;
}

function readGlobalArg(file: DockerfileFile, instruction: ArgInstruction, scope: Scope): void {
  for (const { key, value, docComment } of instruction.args) {
    const given = scope.buildArgs.get(key);
    const expanded =
      given === undefined && value !== undefined
        ? expandWord(value, (name) => scope.env.get(name), { escape: file.escape })
        : undefined;
    const result = given ?? expanded?.text;
    if (result !== undefined) {
      // One that is set again moves to the end.
      scope.env.delete(key);
      scope.env.set(key, result);
    }
    scope.args.set(key, {
      key,
      value: result ?? "",
      ...(docComment !== undefined && { description: docComment }),
      dependencies: dependenciesOf(key, expanded?.matched ?? new Set(), scope.args),
      range: instruction.range,
    });
  }
}

/** An ARG whose default names the ARG itself takes over what the earlier definition named. */
function dependenciesOf(
  key: string,
  matched: ReadonlySet<string>,
  args: ReadonlyMap<string, OutlineArg>,
): ReadonlySet<string> {
  if (!matched.has(key)) return matched;
  const names = new Set([...matched, ...(args.get(key)?.dependencies ?? [])]);
  names.delete(key);
  return names;
}
