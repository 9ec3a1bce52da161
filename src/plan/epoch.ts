import { expandWord, type Stage } from "#dockerfile";
import { fault, locate } from "./fault.ts";
import { isGitSource, isHttpSource } from "./remote-source.ts";
import type { NamedContext } from "./request.ts";

/** What SOURCE_DATE_EPOCH may refer to. */
export interface EpochScope {
  readonly stages: readonly Stage[];
  readonly escape: "\\" | "`";
  readonly env: ReadonlyMap<string, string>;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly namedContexts: ReadonlyMap<string, NamedContext>;
}

/**
 * The seconds that SOURCE_DATE_EPOCH says. `context`, a named context or a stage that is nothing but one remote ADD
 * are understood, but their time is not known before they are fetched: the answer is then undefined.
 * @throws PLAN_INVALID with BuildKit's words
 */
export function readEpoch(value: string, scope: EpochScope): number | undefined {
  if (value === "") return undefined;
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  if (value === "context" || scope.namedContexts.has(value)) return undefined;
  const stage = scope.stages.find(({ from }) => from.name === value.toLowerCase());
  if (stage === undefined)
    throw fault(`invalid SOURCE_DATE_EPOCH: ${value}`, {
      hint: "give seconds since 1970, or the name of a stage or context",
    });
  locate(stage.from.range, () => checkEpochStage(stage, scope));
  return undefined;
}

function checkEpochStage(stage: Stage, scope: EpochScope): void {
  const env = new Map(scope.env);
  env.delete("SOURCE_DATE_EPOCH");
  const expand = (word: string): string =>
    expandWord(word, (name) => env.get(name), { escape: scope.escape }).text;
  if (expand(stage.from.image) !== "scratch") throw fault("SOURCE_DATE_EPOCH stage must use FROM scratch");
  let sources = 0;
  for (const instruction of stage.instructions) {
    if (instruction.kind === "ARG") {
      for (const { key, value } of instruction.args) {
        const given = scope.buildArgs.get(key) ?? (value === undefined ? undefined : expand(value));
        if (given !== undefined) env.set(key, given);
      }
    } else if (instruction.kind === "ADD") {
      if (sources++ > 0) throw fault("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
      const [source, ...more] = instruction.sources;
      if (source === undefined || more.length > 0 || instruction.files.length > 0)
        throw fault("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source");
      const url = expand(source);
      if (!isHttpSource(url) && !isGitSource(url))
        throw fault("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD");
    } else {
      throw fault(
        `SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported ${instruction.keyword.value} instruction`,
      );
    }
  }
  if (sources === 0) throw fault("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
}
