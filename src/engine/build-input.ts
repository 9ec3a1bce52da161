import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { LighterError } from "#base";
import type { BuildRequest } from "#build";
import type { BuildOptions } from "./options.ts";

type Input = Pick<BuildRequest, "context" | "remoteContext" | "dockerfile">;

/**
 * The main context and the Dockerfile of a build, told apart as docker does: a directory that is there, standard input, a
 * repository, the web.
 * @throws ARGUMENT_INVALID
 */
export async function buildInput(options: BuildOptions): Promise<Input> {
  const { context, file } = options;
  if (context === "-" && file === "-")
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot read both the context and the Dockerfile from standard input; give one of them as a path",
    );
  if (context === "-")
    return { remoteContext: { kind: "stream", chunks: stdinOf(options) }, ...givenFile(file) };
  const dockerfile =
    file === "-" ? { dockerfile: { text: await readText(stdinOf(options)) } } : givenFile(file);
  const absolute = resolve(context);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const { findRemoteContext } = await import("./build-contexts.ts");
    const remoteContext = findRemoteContext(context);
    if (remoteContext !== undefined) return { remoteContext, ...dockerfile };
  }
  const given = dockerfile.dockerfile;
  if (given === undefined || !("path" in given)) return { context: absolute, ...dockerfile };
  return { context: absolute, dockerfile: { path: resolve(given.path) } };
}

function givenFile(file: string | undefined): Pick<Input, "dockerfile"> {
  if (file === undefined || file === "") return {};
  if (/^https?:\/\//.test(file)) return { dockerfile: { url: file } };
  return { dockerfile: { path: isAbsolute(file) ? resolve(file) : file } };
}

function stdinOf({ stdin }: BuildOptions): AsyncIterable<Uint8Array> {
  if (stdin !== undefined) return stdin;
  throw new LighterError(
    "ARGUMENT_INVALID",
    'cannot use "-": no standard input is given; set BuildOptions.stdin',
  );
}

async function readText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}
