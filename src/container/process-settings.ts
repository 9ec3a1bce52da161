import { posix } from "node:path";
import { LighterError } from "#base";
import type { ProcessConfig } from "#oci";
import type { ProcessSettings } from "./container-record.ts";
import type { RunRequest } from "./run-request.ts";

type Asked = Pick<RunRequest, "args" | "entrypoint" | "env" | "workdir" | "user" | "imageName">;

/** Puts the image's configuration and the request together by docker's rules. @throws CONTAINER_INVALID with nothing to run */
export function processSettings(image: ProcessConfig, asked: Asked): ProcessSettings {
  const args = argsOf(image, asked);
  if (args.length === 0)
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot run image "${asked.imageName}": it names no command; give one after the image`,
    );
  const cwd = asked.workdir ?? image.WorkingDir ?? "";
  if (asked.workdir !== undefined && !posix.isAbsolute(asked.workdir))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot start in directory "${asked.workdir}": it is no absolute path`,
    );
  return {
    args,
    entrypointLength: (asked.entrypoint ?? image.Entrypoint ?? []).length,
    env: envOf(image.Env ?? [], asked.env ?? []),
    cwd: posix.resolve("/", cwd),
    user: asked.user ?? image.User ?? "",
  };
}

/** What was asked for stands first, as docker has it, and hides what the image says. */
function envOf(image: readonly string[], asked: readonly string[]): readonly string[] {
  const own = [...new Map(asked.map((text) => [nameOf(text), text])).values()];
  const names = new Set(own.map(nameOf));
  return [...own, ...image.filter((text) => !names.has(nameOf(text)))];
}

function nameOf(variable: string): string {
  return variable.split("=", 1)[0] ?? "";
}

/** A new entrypoint drops the image's Cmd, because that was written for the old one. */
function argsOf(image: ProcessConfig, { args = [], entrypoint }: Asked): readonly string[] {
  if (entrypoint !== undefined) return [...entrypoint, ...args];
  return [...(image.Entrypoint ?? []), ...(args.length > 0 ? args : (image.Cmd ?? []))];
}
