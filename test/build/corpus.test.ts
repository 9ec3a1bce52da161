import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { BuildRequest, NamedContextRequest } from "#build";
import type { Image } from "#image";
import { parsePlatform, parseReference } from "#oci";
import { differences, type ExpectedImage } from "./compare.ts";
import {
  attestationDifference,
  attestationsOf,
  outputDifference,
  type RecordedExport,
} from "./corpus-outputs.ts";
import { Lab, missing } from "./lab.ts";

const corpora = join(process.cwd(), "../shared/corpora");
const skip = missing() ?? (existsSync(corpora) ? undefined : "needs ../shared/corpora");
const only = process.env["CORPUS"];
const base = new Set<string>();
let lab: Lab;
before(() => {
  lab = new Lab();
});
after(() => lab[Symbol.asyncDispose]());

interface Solve {
  readonly FrontendAttrs: Readonly<Record<string, string>> | null;
  readonly Locals: Readonly<Record<string, string>> | null;
  readonly Session: readonly string[] | null;
  readonly Entitlements: readonly string[] | null;
  readonly FrontendInputs: unknown;
  readonly HasSourcePolicy: boolean;
  readonly CacheImports: unknown;
  readonly Exports: readonly RecordedExport[] | null;
  readonly Error: string;
}

interface Case {
  readonly name: string;
  readonly directory: string;
  readonly solve: Solve;
}

test("builds of the reference builder", { skip, timeout: 900_000 }, async () => {
  for (const archive of ["build", "images"])
    execFileSync("tar", ["--numeric-owner", "-xpf", join(corpora, `${archive}.tar.gz`), "-C", lab.folder]);
  for (const name of ["busybox", "alpine"]) await loadBase(name);
  const reasons = new Map<string, number>();
  const failures: string[] = [];
  let runnable = 0;
  let passed = 0;
  for (const item of listCases()) {
    const reason = whyNotRunnable(item);
    if (reason !== undefined) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      continue;
    }
    runnable += 1;
    const difference = await runCase(item);
    if (difference === undefined) passed += 1;
    else failures.push(`${item.name}: ${difference}`);
  }
  for (const [reason, count] of reasons) console.log(`build corpus: ${count} not runnable: ${reason}`);
  for (const failure of failures) console.log(`build corpus: failed ${failure}`);
  console.log(`build corpus: passed/runnable ${passed}/${runnable}`);
  assert(passed >= Number(process.env["CORPUS_AT_LEAST"] ?? (only === undefined ? 338 : 0)));
});

async function loadBase(name: string): Promise<void> {
  const archive = join(lab.folder, `${name}.tar`);
  execFileSync("tar", ["-cf", archive, "-C", join(lab.folder, name), "."]);
  const { createReadStream } = await import("node:fs");
  const [image] = await lab.images.load(createReadStream(archive));
  assert(image !== undefined);
  for (const path of (await lab.tree(image)).keys()) base.add(path.replace(/\/$/, ""));
  for (const tag of ["latest", "stable", "stable-musl", "1.35"])
    lab.images.tag(image, parseReference(`${name}:${tag}`));
}

function listCases(): readonly Case[] {
  const root = join(lab.folder, "build");
  return readdirSync(root)
    .filter((name) => name !== "index.json")
    .sort()
    .flatMap((name) =>
      readdirSync(join(root, name))
        .sort()
        .map((number) => ({ name: `${name}/${number}`, directory: join(root, name, number) })),
    )
    .filter(({ name }) => only === undefined || new RegExp(only).test(name))
    .map((item) => ({
      ...item,
      solve: JSON.parse(readFileSync(join(item.directory, "solve.json"), "utf8")) as Solve,
    }));
}

/** What a case needs that only the reference's own environment had. */
function whyNotRunnable({ directory, solve }: Case): string | undefined {
  const attributes = solve.FrontendAttrs ?? {};
  const context = attributes["context"] ?? "";
  if (/^(https?:|git)/.test(context)) return "context from a server that is gone";
  if (solve.Locals?.["dockerfile"] === undefined) return "no Dockerfile was recorded";
  if (solve.FrontendInputs !== null && solve.FrontendInputs !== undefined)
    return "inputs are BuildKit's own graph";
  if (solve.HasSourcePolicy) return "source policies";
  if (attributes["attest:sbom"]?.includes("generator=") === true) return "runs a scanner image";
  if (
    Object.values(attributes).some((value) => /oci-layout:|input:|:\/\/(127\.0\.0\.1|localhost)/.test(value))
  )
    return "named context that is gone";
  if (/granting entitlement/.test(solve.Error)) return "the daemon's own entitlements";
  const path = join(directory, solve.Locals["dockerfile"], attributes["filename"] ?? "Dockerfile");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (/hellofs|amd64\/debian/.test(text)) return "base image that was not recorded";
  if (attributes["platform"]?.startsWith("windows")) return "Windows";
  if (/testEmptyStringArgInEnv/.test(directory)) return "prints variables of the reference's own tracing";
  if (/127\.0\.0\.1|localhost:\d/.test(text + JSON.stringify(attributes))) return "server that is gone";
  if (/^\s*#\s*syntax\s*=/im.test(text) && !/docker\/dockerfile/.test(text)) return "foreign frontend";
  return undefined;
}

async function runCase(item: Case): Promise<string | undefined> {
  const { solve, directory } = item;
  const wanted = expectedError(solve.Error);
  try {
    const request = requestOf(item);
    const cold = await lab.build("", request);
    if (wanted !== undefined) return `succeeded, want error ${wanted}`;
    const written = await outputDifference(lab, { directory, exports: solve.Exports ?? [] }, request);
    if (written !== undefined) return written;
    if (request.attestations?.provenance !== undefined) {
      const misplaced = await attestationDifference(lab, request);
      if (misplaced !== undefined) return misplaced;
    }
    const file = join(directory, "image.json");
    if (!existsSync(file)) return undefined;
    const expected = JSON.parse(readFileSync(file, "utf8")) as ExpectedImage;
    const image = ofPlatform(cold.image, expected);
    const snapshot = await lab.images.unpack(image);
    const layers = snapshot === undefined ? [] : lab.snapshots.layers(snapshot);
    const found = differences(expected, { config: image.config, layers, files: lab.host.files, base });
    return found.length === 0 ? undefined : found.slice(0, 6).join(" | ");
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (wanted === undefined) return `failed: ${text}`;
    return text.includes(wanted)
      ? undefined
      : `error ${JSON.stringify(text)}, want ${JSON.stringify(wanted)}`;
  }
}

/** What was recorded of several platforms is one of them. */
function ofPlatform(image: Image, { config }: ExpectedImage): Image {
  if (!image.names.includes("docker.io/library/corpus:latest")) return image;
  const platform = parsePlatform(`${String(config["os"])}/${String(config["architecture"])}`);
  return lab.images.get("corpus", { platform });
}

function expectedError(text: string): string | undefined {
  if (text === "") return undefined;
  return text
    .replace(/^failed to solve: (\w+: (?=failed to resolve))?/, "")
    .replace(/open \/var\S+\/etc:/, "open /sel:")
    .replace(/^failed to compute cache key: .*ref \S+: /, "");
}

function requestOf({ directory, solve }: Case): Partial<BuildRequest> {
  const attributes = solve.FrontendAttrs ?? {};
  const pick = (prefix: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(attributes).flatMap(([key, value]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
      ),
    );
  const local = (name: string): string => join(directory, solve.Locals?.[name] ?? "none");
  const context = solve.Locals?.["context"] === undefined ? undefined : local("context");
  if (context !== undefined) mkdirSync(context, { recursive: true });
  // An archive cannot hold the socket that this context had.
  if (
    directory.includes("testCopySocket") &&
    context !== undefined &&
    !existsSync(join(context, "socket.sock"))
  )
    lab.host.files.makeNode(join(context, "socket.sock"), 0o140600, { major: 0, minor: 0 });
  const noCache = attributes["no-cache"];
  const named = Object.entries(pick("context:")).flatMap(([name, value]): [string, NamedContextRequest][] => {
    const image = /^docker-image:(?:\/\/)?(.*)$/.exec(value)?.[1];
    if (image !== undefined) return [[name, { kind: "image", reference: parseReference(image) }]];
    const directoryName = /^local:(.*)$/.exec(value)?.[1];
    return directoryName === undefined ? [] : [[name, { kind: "directory", path: local(directoryName) }]];
  });
  return {
    ...(context !== undefined && { context }),
    dockerfile: { path: dockerfilePath(local("dockerfile"), attributes["filename"]) },
    buildArgs: pick("build-arg:"),
    labels: pick("label:"),
    ...(attributes["target"] !== undefined && { target: attributes["target"] }),
    ...platformsOf(attributes["platform"]),
    attestations: attestationsOf(attributes),
    ...(noCache !== undefined && { noCache: noCache === "" ? true : noCache.split(",") }),
    ...(attributes["hostname"] !== undefined && { hostname: attributes["hostname"] }),
    ...(attributes["force-network-mode"] !== undefined && { network: attributes["force-network-mode"] }),
    ...(attributes["shm-size"] !== undefined && { shmSizeBytes: Number(attributes["shm-size"]) }),
    ...(attributes["ulimit"] !== undefined && { ulimits: attributes["ulimit"].split(",").map(ulimit) }),
    namedContexts: new Map(named),
    allow: solve.Entitlements ?? [],
    findSecret: () => (solve.Session === null ? undefined : Buffer.from("pw")),
    findAgent: async () =>
      solve.Session?.some((kind) => kind.includes("ssh")) === true ? "/run/none" : undefined,
    jobs: 2,
  };
}

function platformsOf(text: string | undefined): Pick<BuildRequest, "platform" | "platforms" | "names"> {
  const [platform, ...others] = (text ?? "").split(",").filter(Boolean).map(parsePlatform);
  if (platform === undefined) return {};
  return others.length === 0
    ? { platform }
    : { platforms: [platform, ...others], names: [parseReference("corpus")] };
}

function dockerfilePath(directory: string, name: string | undefined): string {
  if (name !== undefined || existsSync(join(directory, "Dockerfile")))
    return join(directory, name ?? "Dockerfile");
  return join(directory, "dockerfile");
}

function ulimit(text: string): { name: string; soft: number; hard: number } {
  const [name = "", limits = ""] = text.split("=");
  const [soft, hard = soft] = limits.split(":").map(Number);
  return { name, soft: soft ?? 0, hard: hard ?? 0 };
}
