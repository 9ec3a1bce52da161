import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parseReference } from "#oci";
import { findRecipe, findStandIn, namesBeside } from "./find-recipe.ts";
import { builtinRecipes } from "./recipes/index.ts";

const platform = { os: "linux", architecture: "amd64" };

/** What a Dockerfile says after FROM; the recipe and its release; whether it only stands in. */
const answers: readonly (readonly [name: string, recipe: string, release: string, standsIn?: "stands in"])[] =
  [
    ["debian", "debian", "trixie"],
    ["debian:12", "debian", "bookworm"],
    ["debian:bookworm-slim", "debian-slim", "bookworm"],
    ["ubuntu", "ubuntu", "trixie", "stands in"],
    ["ubuntu:24.04", "ubuntu", "trixie", "stands in"],
    ["ubuntu:22.04", "ubuntu", "bookworm", "stands in"],
    ["ubuntu:jammy-20240808", "ubuntu", "bookworm", "stands in"],
    ["alpine", "tiny", "bookworm", "stands in"],
    ["alpine:3.20", "tiny", "bookworm", "stands in"],
    ["alpine:3.20.1", "tiny", "bookworm", "stands in"],
    ["busybox", "busybox", "bookworm"],
    ["busybox:musl", "busybox", "bookworm", "stands in"],
    ["golang:1.19", "golang", "bookworm"],
    ["golang:1.24-trixie", "golang", "trixie"],
    ["golang", "golang", "trixie", "stands in"],
    ["golang:1.24-alpine", "golang", "trixie", "stands in"],
    ["golang:1.24-alpine3.21", "golang", "trixie", "stands in"],
    ["golang:alpine", "golang", "trixie", "stands in"],
    ["node:20", "node", "trixie"],
    ["node:18-slim", "node-slim", "bookworm"],
    ["node:20-alpine", "node-slim", "trixie", "stands in"],
    ["node:lts-slim", "node-slim", "trixie", "stands in"],
    ["node", "node", "trixie", "stands in"],
    ["python:3.11-slim", "python-slim", "bookworm"],
    ["python:3.13-slim-trixie", "python-slim", "trixie"],
    ["python:3.11-alpine", "python-slim", "bookworm", "stands in"],
    ["openjdk:17-jdk-slim", "openjdk-slim", "bookworm"],
    ["openjdk:21", "openjdk", "trixie"],
    ["openjdk:17-jre-slim", "openjdk-jre-slim", "bookworm"],
    ["openjdk:17-jdk-alpine", "openjdk", "bookworm", "stands in"],
    ["eclipse-temurin:17-jre", "eclipse-temurin-jre", "bookworm"],
    ["eclipse-temurin:17-jre-alpine", "eclipse-temurin-jre", "bookworm", "stands in"],
    ["eclipse-temurin:21-jdk-jammy", "eclipse-temurin", "trixie", "stands in"],
    ["maven:3.9-eclipse-temurin-21", "maven", "trixie"],
    ["maven:3.9-eclipse-temurin-21-alpine", "maven", "trixie", "stands in"],
    ["nginx:1.26", "nginx", "trixie"],
    ["nginx:alpine", "nginx", "trixie", "stands in"],
    ["distroless/static:nonroot", "distroless/static", "bookworm"],
    ["distroless/nodejs20:slim-debug-nonroot", "distroless/nodejs20", "trixie"],
  ];

test("each name is answered by the recipe of its version, or by one that says that it stands in", () => {
  for (const [name, recipe, release, standsIn] of answers) {
    const reference = parseReference(name);
    const exact = findRecipe(builtinRecipes, reference, platform);
    const found = exact ?? findStandIn(builtinRecipes, reference, platform);
    assert.deepEqual(
      [found?.name, found?.suite, exact === undefined],
      [recipe, release, standsIn !== undefined],
      name,
    );
    if (standsIn !== undefined) assert.match(found?.description ?? "", / to stand in for it: .{20}/, name);
  }
});

test("other versions, other registries and digests are not answered", () => {
  const digest = `debian@sha256:${"0".repeat(64)}`;
  const names =
    "golang:1.22 golang:1.22-alpine node:22 node:10-alpine python:3.9 openjdk:11 ubuntu:20.04 rust:1 alpine:2.7 gcr.io/distroless/static quay.io/library/alpine";
  for (const name of [...names.split(" "), digest]) {
    const reference = parseReference(name);
    assert.equal(findRecipe(builtinRecipes, reference, platform), undefined, name);
    assert.equal(findStandIn(builtinRecipes, reference, platform), undefined, name);
  }
  assert.deepEqual(namesBeside(builtinRecipes, parseReference("golang:1.22")), [
    "golang:1.19",
    "golang:1.24",
  ]);
  assert.deepEqual(namesBeside(builtinRecipes, parseReference("rust:1")), []);
});

test("every distroless role has all variants: only debug ones have a shell, only nonroot ones another user", () => {
  const roles = new Set(
    builtinRecipes.map(({ repository }) => repository).filter((name) => /^distroless\/(?!nginx)/.test(name)),
  );
  assert.equal(roles.size, 23);
  for (const role of roles)
    for (const slim of ["", "slim-"])
      for (const [form, shell, user] of [
        ["latest", false, "0"],
        ["nonroot", false, "65532"],
        ["debug", true, "0"],
        ["debug-nonroot", true, "65532"],
      ] as const) {
        const tag = `${slim}${form}`.replace("slim-latest", "slim");
        const found = findRecipe(builtinRecipes, parseReference(`${role}:${tag}`), platform)?.definition;
        assert.deepEqual([found?.debug, found?.user], [shell, user], `${role}:${tag}`);
        assert.equal(found?.entrypoint?.[0] === "/busybox/sh", shell, `${role}:${tag}`);
      }
});

test("docs/base-images.md lists every name", () => {
  const path = "docs/base-images.md";
  const [before = "", rest = ""] = readFileSync(path, "utf8").split(/(?<=<!-- names -->\n)/);
  const after = rest.slice(rest.indexOf("\n## "));
  const rows = new Map<string, { own: string[]; standIns: string[] }>();
  for (const { repository, tags, suiteTags, standsIn = [] } of builtinRecipes) {
    if (!repository.startsWith("library/")) continue;
    const row = rows.get(repository) ?? { own: [], standIns: [] };
    row.own.push(...tags, ...(suiteTags?.tags ?? []));
    row.standIns.push(...standsIn.flatMap((each) => each.tags));
    rows.set(repository, row);
  }
  const cell = (tags: readonly string[]) => [...new Set(tags)].map((tag) => `\`${tag}\``).join(" ");
  const table = [...rows].map(
    ([repository, { own, standIns }]) =>
      `| \`${repository.slice("library/".length)}\` | ${cell(own)} | ${cell(standIns)} |`,
  );
  const text = `${before}\n| image | tags | stands in for |\n|---|---|---|\n${table.join("\n")}\n${after}`;
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(path, text);
  assert.equal(
    readFileSync(path, "utf8"),
    text,
    "write it anew with UPDATE_DOCS=1 node scripts/test.mjs src/distroless",
  );
});
