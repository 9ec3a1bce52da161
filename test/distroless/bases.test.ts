// Bases by recipe, from the command line: what FROM and --build-context name, who is asked in which order, and what is written
// down of it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { whyNoArchive } from "./real-archive.ts";

const skip = whyNoMachine() || (await whyNoArchive());
let clone: Clone;
let context: string;

before(() => {
  if (skip !== false) return;
  clone = openClone();
  context = join(clone.folder, "context");
  mkdirSync(join(context, "deep"), { recursive: true });
  write(
    "deep/api.yaml",
    "name: busybox\nfrom: distroless/static:slim\nfiles: [{ path: /etc/a, source: a.conf }]\n",
  );
  write("deep/a.conf", "of the context\n");
  write("../outside.yaml", "name: outside\nfrom: distroless/static:slim\n");
  symlinkSync("../outside.yaml", join(context, "link.yaml"));
  write("steals.yaml", "name: steals\nfiles: [{ path: /x, source: ../outside.yaml }]\n");
});

after(() => clone?.[Symbol.dispose]());

function write(name: string, text: string): void {
  writeFileSync(join(context, name), text);
}

function build(
  dockerfile: string,
  options: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) {
  write("Dockerfile", dockerfile);
  const metadata = join(clone.folder, "metadata.json");
  const built = clone.run(
    ["build", "--metadata-file", metadata, "--provenance", "min", ...options, "context"],
    { env },
  );
  const from = built.stderr.split("\n").flatMap((line) => /^#1 (FROM .*)$/.exec(line)?.[1] ?? []);
  return { ...built, from, metadata };
}

function dependencies(path: string): unknown {
  const { "buildx.build.provenance": provenance } = JSON.parse(readFileSync(path, "utf8")) as {
    readonly "buildx.build.provenance": {
      readonly buildDefinition: { readonly resolvedDependencies: unknown };
    };
  };
  return provenance.buildDefinition.resolvedDependencies;
}

test("FROM recipe:FILE takes a recipe of the context, and its name takes nobody's place", { skip }, () => {
  const built = build("FROM recipe:deep/api.yaml\nCOPY deep/a.conf /b\n");
  assert.equal(built.status, 0, built.stderr);
  const origin = "assembled from Debian bookworm (recipe deep/api.yaml)";
  assert.deepEqual(built.from, [`FROM recipe:deep/api.yaml: ${origin}`]);
  const [base] = dependencies(built.metadata) as readonly { readonly digest: unknown }[];
  assert.deepEqual(base, {
    uri: "recipe:deep/api.yaml",
    digest: base?.digest,
    annotations: { "dev.lighter.origin": origin },
  });
  assert.doesNotMatch(clone.run(["images"]).stdout, /busybox/);
});

test("FROM recipe:NAME, and the lock beside a recipe", { skip }, () => {
  assert.deepEqual(build("FROM recipe:distroless/static\n").from, [
    "FROM recipe:distroless/static: assembled from Debian bookworm (recipe distroless/static)",
  ]);
  const locked = clone.run(["recipe", "lock", "context/deep/api.yaml"]);
  assert.equal(locked.status, 0, locked.stderr);
  assert.deepEqual(build("FROM recipe:./deep/api.yaml\n").from, [
    "FROM recipe:./deep/api.yaml: assembled from Debian bookworm (recipe ./deep/api.yaml, lock ./deep/api.lock.json)",
  ]);
});

test("--build-context replaces a name with a recipe, of whatever directory", { skip }, () => {
  const built = build("FROM golang:1.16\nCOPY deep/a.conf /b\n", [
    "--build-context",
    "golang:1.16=recipe:outside.yaml",
  ]);
  assert.equal(built.status, 0, built.stderr);
  assert.match(built.stderr, /recipe outside\.yaml/);
});

test("nothing outside of the context is read for a Dockerfile", { skip }, () => {
  const rows: readonly (readonly [base: string, message: RegExp])[] = [
    [
      "recipe:../outside.yaml",
      /cannot use base "recipe:\.\.\/outside\.yaml": it lies outside of the build context/,
    ],
    ["recipe:link.yaml", /lies outside of the build context/],
    [
      "recipe:steals.yaml",
      /line 2, column \d+: "\.\.\/outside\.yaml" lies outside of the recipe's directory/,
    ],
    ["recipe:/etc/hosts.yaml", /there is no file \/etc\/hosts\.yaml/],
    ["recipe:gone.yaml", /there is no file gone\.yaml/],
    ["recipe:nothing", /there is no built-in recipe of that name/],
    ["recipe:", /failed to parse stage name/],
  ];
  for (const [base, message] of rows) {
    const built = build(`FROM ${base}\n`);
    assert.equal(built.status, 1, base);
    assert.match(built.stderr, message);
    assert.match(built.stderr, /^> 1 \| FROM/m);
  }
});

test("sources are asked in the user's order, by name: flag, environment, file", { skip }, () => {
  const google = "FROM gcr.io/distroless/static:nonroot\nCOPY deep/a.conf /b\n";
  const made =
    "FROM gcr.io/distroless/static:nonroot: assembled from Debian bookworm (recipe distroless/static)";
  const configuration = join(clone.folder, "config.yaml");
  const configured = { LIGHTER_CONFIG: configuration };
  writeFileSync(configuration, "sources:\n  - gcr.io/distroless/*=recipe\n  - store\n");
  assert.deepEqual(build(google, ["--source", "gcr.io/distroless/*=recipe"]).from, [made]);
  assert.deepEqual(build(google, [], { LIGHTER_BASE_SOURCES: "gcr.io/distroless/*=recipe; store" }).from, [
    made,
  ]);
  assert.deepEqual(build(google, [], configured).from, [made]);
  // What stands in the file for other names, and what stands before it.
  assert.match(build("FROM busybox\n", [], configured).stderr, /looked in the store; /);
  const stored = build(google, ["--source", "store"], configured);
  assert.deepEqual(stored.from, [made.replace("nonroot: ", "nonroot: in the store, ")]);
  assert.deepEqual(
    (dependencies(stored.metadata) as readonly { readonly annotations: unknown }[])[0]?.annotations,
    { "dev.lighter.origin": "assembled from Debian bookworm (recipe distroless/static)" },
    "the provenance does not depend on what was at hand",
  );
});

test("a recipe that stands in says in what it differs, and takes nobody's name", { skip }, () => {
  const made =
    "FROM alpine:3.20: assembled from Debian bookworm (recipe tiny) to stand in for it: it is Debian's busybox with certificates and glibc, without apk and musl";
  const dockerfile = "FROM alpine:3.20\nCOPY deep/a.conf /b\n";
  for (const title of ["assembled", "found again"])
    assert.deepEqual(build(dockerfile, ["--source", "store,recipe"]).from, [made], title);
  assert.doesNotMatch(clone.run(["images"]).stdout, /alpine/);
  const refused = build(dockerfile, ["--source", "store"]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /looked in the store; /);
  const other = build("FROM golang:1.22\n", ["--source", "store,recipe"]);
  assert.match(other.stderr, /recipes \(which have golang:1\.19, golang:1\.24\)/);
});

test("a configuration that cannot be read", { skip }, () => {
  const configuration = join(clone.folder, "wrong.yaml");
  const run = (text: string) => {
    writeFileSync(configuration, text);
    return build("FROM scratch\nCOPY deep/a.conf /\n", [], { LIGHTER_CONFIG: configuration }).stderr;
  };
  assert.match(
    run("source: [store]\n"),
    /line 1, column 1: unknown field "source" \(did you mean sources\?\)/,
  );
  assert.match(run("sources: store\n"), /line 1, column 10: want a list, found "store"/);
  assert.match(
    run("sources:\n  - gcr.io/*=shop\n"),
    /line 2, column 5: cannot use source "gcr\.io\/\*=shop": want store/,
  );
  assert.match(
    build("FROM scratch\n", [], { LIGHTER_CONFIG: "/nowhere" }).stderr,
    /cannot read configuration "\/nowhere": ENOENT; LIGHTER_CONFIG names it/,
  );
});
