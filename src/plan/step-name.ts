import { type ExpandOptions, expandWord } from "#dockerfile";
import type { Platform } from "#oci";
import { formatFullPlatform } from "./base-name.ts";
import type { StageState } from "./stage-state.ts";

/** What a name depends on beside the instruction. */
export interface NameContext {
  /** More than one platform is built: the name says which. */
  readonly multiPlatform: boolean;
  readonly env: Pick<ReadonlyMap<string, string>, "get">;
  readonly isOnbuild: boolean;
}

/** The name of the next step of a stage: `[builder 2/4] WORKDIR /src`. Counts the step. */
export function nextStepName(state: StageState, text: string, context: NameContext): string {
  if (state.stepTotal === 0) return text;
  state.stepIndex++;
  return currentStepName(state, text, context);
}

/** The name of the step that was counted last. */
export function currentStepName(state: StageState, text: string, context: NameContext): string {
  if (state.stepTotal === 0) return text;
  const total = String(state.stepTotal);
  const index = String(state.stepIndex).padStart(total.length);
  const platform =
    context.multiPlatform && state.platform !== undefined ? platformPart(state.platform, context.env) : "";
  const label = state.label === "" ? "" : `${state.label} `;
  return `[${platform}${label}${index}/${total}] ${context.isOnbuild ? "ONBUILD " : ""}${text}`;
}

/** An instruction with its variables filled in, keyword in capitals; as written when it cannot be expanded. */
export function instructionText(
  original: string,
  env: (name: string) => string | undefined,
  options: ExpandOptions,
): string {
  return upperKeyword(expandedText(original.trim(), env, options));
}

function expandedText(
  original: string,
  env: (name: string) => string | undefined,
  options: ExpandOptions,
): string {
  try {
    return expandWord(original, env, options).text;
  } catch {
    return original;
  }
}

function upperKeyword(text: string): string {
  const space = text.indexOf(" ");
  return space < 0 ? text.toUpperCase() : text.slice(0, space).toUpperCase() + text.slice(space);
}

function platformPart(platform: Platform, env: NameContext["env"]): string {
  return `${formatFullPlatform(platform)}${crossPart(platform, env)} `;
}

/** `->arm64` when the step runs on one platform for another. */
function crossPart(platform: Platform, env: NameContext["env"]): string {
  const [os, architecture, variant] = targetParts(env);
  if (os === undefined && architecture === undefined) return "";
  const target = [architecture ?? platform.architecture, variant].filter(Boolean).join("/");
  if ((os ?? platform.os) !== platform.os) return `->${os}/${target}`;
  return (architecture ?? platform.architecture) === platform.architecture ? "" : `->${target}`;
}

function targetParts(env: NameContext["env"]): (string | undefined)[] {
  const platform = env.get("TARGETPLATFORM");
  if (platform !== undefined) return platform.split("/");
  return [env.get("TARGETOS"), env.get("TARGETARCH"), env.get("TARGETVARIANT")];
}
