import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { errorText, parse } from "#dockerfile";
import {
  type Digest,
  type History,
  type ImageConfig,
  type Index,
  type Manifest,
  parsePlatform,
  parseReference,
} from "#oci";
import {
  finishImage,
  type NamedContext,
  type PlanAnswer,
  type PlanOptions,
  plan,
  type ResolvedBase,
} from "#plan";
import { CORPORA, missing, Score } from "../support/frontend-corpus.ts";

/** A build that BuildKit did. */
interface Solve {
  readonly FrontendAttrs: Readonly<Record<string, string>> | null;
  readonly Error: string;
}

const linux = { os: "linux", architecture: "amd64" };

// Configs and histories of images that were really built; nothing is executed here.
describe("corpora", { skip: missing }, () => {
  test("build configs", () => {
    const folder = mkdtempSync(join(tmpdir(), "lighter-plan-"));
    try {
      const wanted = ["*/solve.json", "*/image.json", "*/local-dockerfile/*"];
      unpack(folder, "build.tar.gz", ["--wildcards", ...wanted]);
      unpack(folder, "images.tar.gz", []);
      const images = new Map(
        ["busybox", "alpine"].map((name) => [`library/${name}`, readConfig(join(folder, name))]),
      );
      const score = new Score("build plans");
      for (const solve of listSolves(join(folder, "build"))) checkSolve(solve, images, score);
      score.report();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function unpack(folder: string, name: string, args: readonly string[]): void {
  spawnSync("tar", ["-C", folder, "-xzf", join(CORPORA, name), ...args], { stdio: "inherit" });
}

function listSolves(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(folder, name)).map((number) => join(folder, name, number)))
    .toSorted();
}

function readConfig(layout: string): ImageConfig {
  const blob = (digest: string): unknown =>
    JSON.parse(readFileSync(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as Index;
  const manifest = blob(index.manifests[0]?.digest ?? "") as Manifest;
  return blob(manifest.config.digest) as ImageConfig;
}

function checkSolve(folder: string, images: ReadonlyMap<string, ImageConfig>, score: Score): void {
  const solve = JSON.parse(readFileSync(join(folder, "solve.json"), "utf8")) as Solve;
  const attributes = solve.FrontendAttrs ?? {};
  const dockerfile = join(folder, "local-dockerfile", attributes["filename"] ?? "Dockerfile");
  if (!existsSync(dockerfile) || !isPlainBuild(attributes)) return;
  const answer = planFully(readFileSync(dockerfile), optionsOf(attributes), images);
  const name = folder.split("/").slice(-2).join("/");
  if (answer === undefined) return;
  if (answer.kind === "invalid") {
    const [first] = answer.diagnostics;
    score.equal(
      "errors",
      name,
      `failed to solve: ${first === undefined ? "" : errorText(first)}`,
      solve.Error,
    );
    return;
  }
  const image = join(folder, "image.json");
  if (answer.kind !== "plan" || answer.epochSource !== undefined || solve.Error !== "" || !existsSync(image))
    return;
  const { config } = JSON.parse(readFileSync(image, "utf8")) as { config: ImageConfig };
  const facts = { diffIds: diffIdsOf(config), created: "" };
  score.equal("config", name, comparable(finishImage(answer.image, facts)), comparable(config));
}

/** One platform, and no context that another solve of the test made. */
function isPlainBuild(attributes: Readonly<Record<string, string>>): boolean {
  const isMade = ([key, value]: [string, string]): boolean =>
    key.startsWith("context:") && /^(?:oci-layout|input):/.test(value);
  return !/[,(]/.test(attributes["platform"] ?? "") && !Object.entries(attributes).some(isMade);
}

function optionsOf(attributes: Readonly<Record<string, string>>): PlanOptions {
  const some = (prefix: string): [string, string][] =>
    Object.entries(attributes).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    );
  const { target, platform } = attributes;
  return {
    buildPlatform: linux,
    buildArgs: Object.fromEntries(some("build-arg:")),
    labels: Object.fromEntries(some("label:")),
    namedContexts: new Map(some("context:").map(([name, value]) => [name, readContext(value)])),
    ...(target !== undefined && { target }),
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
  };
}

function readContext(value: string): NamedContext {
  const image = /^docker-image:(?:\/\/)?(.*)/.exec(value)?.[1];
  if (image !== undefined) return { kind: "image", reference: parseReference(image) };
  if (value.startsWith("local:")) return { kind: "local" };
  return value.startsWith("http") ? { kind: "http", url: value } : { kind: "git", url: value };
}

/** Go writes null for no layers. */
function diffIdsOf({ rootfs }: { rootfs: { diff_ids: readonly Digest[] | null } }): readonly Digest[] {
  return rootfs.diff_ids ?? [];
}

/** @returns undefined where a base was an image of the test itself */
function planFully(
  dockerfile: Uint8Array,
  options: PlanOptions,
  images: ReadonlyMap<string, ImageConfig>,
): PlanAnswer | undefined {
  const bases: ResolvedBase[] = [];
  for (;;) {
    const answer = plan({ ...options, parsed: parse(dockerfile), bases });
    if (answer.kind !== "needs") return answer;
    for (const base of answer.bases) {
      const config = images.get(base.reference.repository);
      if (config === undefined) return undefined;
      bases.push({ ...base, config });
    }
  }
}

/** Times and layers are the business of building. */
function comparable({ created: _created, rootfs: _rootfs, history = [], ...rest }: ImageConfig): object {
  // What the exporter says of layers that no instruction stands for is the business of building, too.
  const known = history.filter(({ comment }) => comment !== "buildkit.exporter.image.v0");
  const lines = known.map(({ created: _created, ...line }: History) => line);
  return JSON.parse(JSON.stringify({ ...rest, history: lines })) as object;
}
