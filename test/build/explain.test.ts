// Why a step ran, and what would run.
import assert from "node:assert/strict";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { BuildRequest } from "#build";
import { parseReference } from "#oci";
import { Lab, missing } from "./lab.ts";

const skip = missing();
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

const dockerfile = `FROM busybox AS build
COPY package.json /w/
RUN cat /w/package.json
COPY src /w/src
ARG VERSION=1
RUN echo $VERSION
FROM scratch
COPY --from=build /w/package.json /
`;

interface Project {
  readonly path: string;
  /** Command of each instruction that missed, with its reason. */
  build(text: string, request?: Partial<BuildRequest>): Promise<Record<string, string | undefined>>;
  preview(text: string, request?: Partial<BuildRequest>): Promise<Record<string, string>>;
}

let count = 0;

async function project(): Promise<Project> {
  // Content of its own: what another test built of the same files would be a hit.
  const own = `${(count += 1)}`;
  const path = lab.directory({ "package.json": own, "src/a.js": own, "src/b.js": "b", "src/c.sh": "c" });
  // Files that changed a moment ago may change again unseen: their state is not remembered.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    path,
    async build(text, request = {}) {
      const { events } = await lab.export(text, { context: path, explain: true, ...request });
      const names = new Map(
        events.flatMap((event) =>
          event.kind === "planned" ? event.steps.map(({ id, name }) => [id, name]) : [],
        ),
      );
      return Object.fromEntries(
        events.flatMap((event) =>
          event.kind === "finished" && event.miss !== undefined
            ? [[shortName(names.get(event.step) ?? ""), event.reason]]
            : [],
        ),
      );
    },
    async preview(text, request = {}) {
      const { steps } = await lab.builder.preview({
        context: path,
        dockerfile: { text },
        jobs: 2,
        ...request,
      });
      return Object.fromEntries(
        steps.map(({ name, state, reason }) => [
          shortName(name),
          reason === undefined ? state : `${state}: ${shortName(reason)}`,
        ]),
      );
    },
  };
}

function shortName(name: string): string {
  return name.replace(/\[(?:build|stage-1) \d+\/\d+\] /, "").replace(/@sha256:\S+/, "");
}

test("a miss names the file that changed, is new, was removed or has another mode", { skip }, async () => {
  const { path, build } = await project();
  const first = await build(dockerfile);
  assert.deepEqual(new Set(Object.values(first)), new Set(["it was not built before"]));
  assert.deepEqual(await build(dockerfile), {});

  const change = async (edit: () => void) => {
    edit();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return (await build(dockerfile))["COPY src /w/src"];
  };
  assert.equal(
    await change(() => writeFileSync(join(path, "src/a.js"), `${Math.random()}`)),
    "src/a.js changed",
  );
  assert.equal(await change(() => writeFileSync(join(path, "src/d.js"), "d")), "src/d.js is new");
  assert.equal(await change(() => rmSync(join(path, "src/b.js"))), "src/b.js was removed");
  assert.equal(
    await change(() => chmodSync(join(path, "src/c.sh"), 0o755)),
    "src/c.sh has another mode or other attributes",
  );
  assert.equal(
    await change(() => writeFileSync(join(path, "package.json"), "{ }")),
    "[build 3/5] RUN cat /w/package.json changed",
  );
});

test("a step that stands on another names it; what is the same by content is a hit", { skip }, async () => {
  const { path, build } = await project();
  await build(dockerfile);
  writeFileSync(join(path, "src/a.js"), `${Math.random()}`);
  assert.deepEqual(await build(dockerfile), {
    "COPY src /w/src": "src/a.js changed",
    "RUN echo 1": "[build 4/5] COPY src /w/src changed",
  });
});

test("variables by name, instructions, options, caching switched off", { skip }, async () => {
  const { build } = await project();
  await build(dockerfile, { buildArgs: { VERSION: "geheim" } });
  const misses = await build(dockerfile, { buildArgs: { VERSION: "2" } });
  assert.deepEqual(misses, { "RUN echo 2": "ARG VERSION changed" });
  const withEnv = dockerfile.replace("ARG", "ENV MODE=x\nARG");
  assert.equal((await build(withEnv))["RUN echo 1"], "ARG VERSION changed, ENV MODE is set now");
  assert.equal((await build(dockerfile.replace("RUN echo", "RUN  true")))["RUN true $VERSION"] ?? "", "");
  const other = dockerfile.replace("RUN echo $VERSION", "RUN --network=none echo $VERSION");
  await build(dockerfile, { buildArgs: { VERSION: "3" } });
  assert.deepEqual(Object.values(await build(other, { buildArgs: { VERSION: "3" } })), ["--network changed"]);
  const again = await build(other, { noCache: ["build"] });
  assert.equal(again["COPY src /w/src"], "caching is switched off for it");
});

test("an instruction that came above does not confuse the ones below", { skip }, async () => {
  const { path, build } = await project();
  await build(dockerfile);
  writeFileSync(join(path, "src/a.js"), `${Math.random()}`);
  const misses = await build(dockerfile.replace("COPY src", "RUN true\nCOPY src"));
  assert.equal(misses["RUN true"], "it was not built before");
  assert.equal(misses["COPY src /w/src"], "[build 4/6] RUN true changed");
});

test("a base by its digests, and a result that was pruned", { skip }, async () => {
  const { path, build } = await project();
  const text = "FROM changing\nCOPY src /src\n";
  const base = async (content: string) => {
    await lab.export(`FROM busybox\nCOPY <<x /x\n${content}\nx\n`, { names: [parseReference("changing")] });
  };
  await base("1");
  await build(text);
  await base("2");
  assert.match(
    (await build(text))["[2/2] COPY src /src"] ?? "",
    /^the base docker.io\/library\/changing:latest changed: sha256:\w{12} is now sha256:\w{12}$/,
  );
  rmSync(join(lab.root, "build/cache"), { recursive: true });
  assert.equal((await build(text))["[2/2] COPY src /src"], "its result is no longer in the store");
  assert.ok(path);
});

test("a preview says what would run, and runs and fetches nothing", { skip }, async () => {
  const { path, build, preview } = await project();
  await build(dockerfile);
  assert.equal((await preview(dockerfile))["COPY --from=build /w/package.json /"], "cached");
  writeFileSync(join(path, "src/a.js"), `${Math.random()}`);
  const expected = {
    "FROM docker.io/library/busybox:latest": "unneeded",
    "[internal] load build context": "read",
    "COPY package.json /w/": "unneeded",
    "RUN cat /w/package.json": "cached",
    "COPY src /w/src": "run: src/a.js changed",
    "RUN echo 1": "run: COPY src /w/src changed",
    "COPY --from=build /w/package.json /": "maybe: RUN echo 1 changed",
  };
  assert.deepEqual(await preview(dockerfile), expected);
  assert.deepEqual(await preview(dockerfile), expected, "looking changes nothing");
  const unfetched = "FROM nowhere.invalid/x\nADD http://127.0.0.1:9/file /\nRUN true\n";
  const { steps } = await lab.builder.preview({ dockerfile: { text: unfetched }, jobs: 1 });
  assert.deepEqual(
    steps.map(({ name, state, reason }) => [name, state, reason]),
    [
      ["[1/3] FROM nowhere.invalid/x:latest", "get", undefined],
      ["[2/3] ADD http://127.0.0.1:9/file /", "get", undefined],
      [
        "[2/3] ADD http://127.0.0.1:9/file /",
        "maybe",
        "it depends on what [1/3] FROM nowhere.invalid/x:latest gives",
      ],
      ["[3/3] RUN true", "maybe", "it depends on what [2/3] ADD http://127.0.0.1:9/file / gives"],
    ],
  );
  await using nothingBuilt = new Lab();
  const first = await nothingBuilt.builder.preview({ dockerfile: { text: unfetched }, jobs: 1 });
  assert.deepEqual(
    first.steps.map(({ state }) => state),
    ["get", "get", "run", "run"],
    "where nothing was built everything runs",
  );
});
