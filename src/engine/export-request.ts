import { resolve } from "node:path";
import type { AttestationRequest, BuildOutput, BuildRequest } from "#build";
import { parsePlatform } from "#oci";
import { requireDeletable } from "./local-delete.ts";
import type { BuildOptions } from "./options.ts";

/** What a build is asked to do with its result, read from docker's words; paths absolute. @throws ARGUMENT_INVALID */
export async function exportRequest(options: BuildOptions): Promise<Partial<BuildRequest>> {
  const { parseAnnotation } = await import("#build");
  const outputs = await outputsOf(options);
  const platforms = (options.platform ?? "").split(",").filter((text) => text !== "");
  const { annotations = [], squash, writeStdout, lockFile } = options;
  return {
    ...(outputs.length > 0 && { outputs }),
    ...(platforms.length > 1 && { platforms: platforms.map((text) => parsePlatform(text.trim())) }),
    ...(annotations.length > 0 && { annotations: annotations.flatMap(parseAnnotation) }),
    ...(squash !== undefined && { squash }),
    ...(writeStdout !== undefined && { writeStdout }),
    ...(lockFile !== undefined && { lockFile: resolve(lockFile) }),
    attestations: await attestationsOf(options),
    ...(await cachesOf(options)),
  };
}

async function outputsOf(options: BuildOptions): Promise<readonly BuildOutput[]> {
  const { parseOutput } = await import("#build");
  const texts = [
    ...(options.outputs ?? []),
    ...(options.load === true ? ["type=docker"] : []),
    ...(options.push === true ? ["type=registry"] : []),
  ];
  const outputs = texts.map(parseOutput).map(withAbsolutePaths);
  requireDeletable(outputs, options.allow);
  return outputs;
}

function withAbsolutePaths(output: BuildOutput): BuildOutput {
  if (output.kind === "local") return { ...output, directory: resolve(output.directory) };
  if (output.kind !== "tar" && output.kind !== "archive") return output;
  const { dest } = output;
  return dest.kind === "stdout" ? output : { ...output, dest: { ...dest, path: resolve(dest.path) } };
}

/** Later words win, as docker has it. */
async function attestationsOf(options: BuildOptions): Promise<AttestationRequest> {
  const { parseAttest, parseProvenance, parseSbom } = await import("#build");
  const { attest = [], provenance, sbom } = options;
  const asked = [
    ...attest.map(parseAttest),
    ...(provenance === undefined ? [] : [parseProvenance(provenance)]),
    ...(sbom === undefined ? [] : [parseSbom(sbom)]),
  ];
  return Object.assign({}, ...asked) as AttestationRequest;
}

async function cachesOf(options: BuildOptions): Promise<Partial<BuildRequest>> {
  const { parseCacheSource, parseCacheTarget } = await import("#build");
  const { cacheFrom = [], cacheTo = [] } = options;
  return {
    ...(cacheFrom.length > 0 && { cacheFrom: cacheFrom.map((text) => parseCacheSource(text, resolve)) }),
    ...(cacheTo.length > 0 && { cacheTo: cacheTo.map((text) => parseCacheTarget(text, resolve)) }),
  };
}
