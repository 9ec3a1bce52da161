import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LighterError } from "#base";
import { recipeJsonSchema } from "../index.ts";
import { distrolessRecipes } from "../recipes/distroless.ts";
import { readRecipe } from "./read-recipe.ts";

const python = distrolessRecipes.find(
  ({ repository, tags }) => repository === "distroless/python3" && tags.includes("slim"),
);

/** Reads a recipe that stands alone in a directory. */
async function read(text: string, files: Readonly<Record<string, string | Buffer>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "lighter-recipe-"));
  try {
    const path = join(folder, "r.yaml");
    writeFileSync(path, text);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    mkdirSync(join(folder, "below"));
    symlinkSync("/etc/hostname", join(folder, "out"));
    return await readRecipe(path, {
      findBuiltin: (name) => (name === "distroless/python3:slim" ? python : undefined),
      readImage: async (_image, file) => (file === "/app" ? readFileSync(process.execPath) : undefined),
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a recipe of its own", async () => {
  const recipe = await read(
    `name: team/api
packages: [libpq5, "libssl3 (>= 3.0)"]
trim: [docs, unused-libraries]
drop: [/usr/share/postgresql-common/*]
files:
  - { path: /etc/a.conf, source: a.conf, mode: "0600", owner: 1000 }
directories: [{ path: /data, owner: 1000 }]
users: [{ name: api, uid: 1000 }]
environment: { PATH: /bin, PORT: "1" }
entrypoint: [/bin/api]
ports: [80/tcp]
`,
    { "a.conf": "x = 1\n" },
  );
  assert.equal(recipe.kind, "distroless");
  assert.equal(recipe.release, "bookworm");
  assert.deepEqual(recipe.packages.slice(-2), ["libpq5", "libssl3 (>= 3.0)"]);
  assert.deepEqual(recipe.files, [
    {
      path: "etc/a.conf",
      mode: 0o600,
      uid: 1000,
      gid: 1000,
      source: {
        name: "a.conf",
        bytes: Buffer.from("x = 1\n"),
        sha256: "9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4",
      },
    },
  ]);
  assert.deepEqual(recipe.pathRules, { exclude: ["/usr/share/postgresql-common/*"], include: [] });
  assert.deepEqual(
    recipe.env.map(({ name }) => name),
    ["SSL_CERT_FILE", "PATH", "PORT"],
  );
});

test("a recipe that goes on from a built-in one", async () => {
  const recipe = await read("name: api\nfrom: distroless/python3:slim\npackages: [libpq5]\n");
  assert.deepEqual(recipe.packages, [...(python?.packages ?? []), "libpq5"]);
  assert.deepEqual(recipe.trim, python?.trim);
  assert.deepEqual(recipe.entrypoint, ["/usr/bin/python3.11"]);
  assert.deepEqual([recipe.name, recipe.repository, recipe.tags], ["api", "library/api", ["latest"]]);
});

test("what a program loads decides the packages and what stays of them", async () => {
  const recipe = await read("name: api\nbinaries: [{ image: build, path: /app }]\n");
  assert.ok(recipe.libraries?.includes("libc.so.6"), recipe.libraries?.join(" "));
  assert.ok(recipe.libraries?.some((name) => name.startsWith("ld-linux")));
  assert.ok(recipe.trim?.includes("unused-libraries") === true && recipe.trim.includes("docs"));
  const kept = await read("name: api\ntrim: []\nbinaries: [{ image: build, path: /app }]\n");
  assert.deepEqual(kept.trim, ["unused-libraries"]);
});

test("a Java of some modules", async () => {
  const recipe = await read(
    `name: api
jlink: { package: openjdk-17-jdk-headless, modules: [java.base], jar: a.jar }
environment: { LANG: de_DE.UTF-8 }
layers: [{ packages: [libc6, lib*] }, { paths: [/usr/lib/jvm/*] }]
`,
    { "a.jar": "PK" },
  );
  assert.equal(recipe.jlink?.jar?.name, "a.jar");
  assert.ok(recipe.packages.includes("libc-bin") && !recipe.packages.includes("tzdata"));
  assert.ok(recipe.trim?.includes("libc-extras"));
  assert.ok(recipe.trim?.includes("java-desktop") && !recipe.libraries?.includes("libfreetype.so.6"));
  const drawing = await read(
    "name: a\ntrim: [docs]\njlink: { package: openjdk-17-jdk-headless, modules: [java.desktop] }\n",
  );
  assert.ok(drawing.libraries?.includes("libfreetype.so.6"), "what may draw has what drawing takes");
  assert.deepEqual(
    recipe.env.filter(({ name }) => name === "LANG"),
    [{ name: "LANG", value: "de_DE.UTF-8" }],
  );
  assert.deepEqual(recipe.entrypoint, ["/usr/bin/java"]);
  assert.deepEqual(recipe.layers, [
    { packages: ["libc6", "lib*"], paths: [] },
    { packages: [], paths: ["usr/lib/jvm/*"] },
  ]);
});

test("what is wrong is told with its place and what is wanted there", async () => {
  const rows: readonly (readonly [text: string, message: RegExp])[] = [
    ["", /it is empty/],
    ["name: [", /line 1, column/],
    ["packages: [ab]", /line 1, column 1: field "name" is missing/],
    ["name: Api", /line 1, column 7: want a name of lower-case letters.*, found "Api"/],
    ["name: a\npackges: [bc]", /line 2, column 1: unknown field "packges" \(did you mean packages\?\)/],
    ["name: a\nname: b", /line 2, column 1: .*unique/],
    ["name: a\npackages: b", /line 2, column 11: want a list, found "b"/],
    ["name: a\npackages:", /want a list, found/],
    ["name: a\npackages: [7]", /line 2, column 12: want the name of a package.*, found 7/],
    ["name: a\npackages: ['b; rm']", /want the name of a package/],
    ["name: a\nsuite: sid", /line 2, column 8: want one of bookworm, trixie, found "sid"/],
    ["name: a\ntrim: [doc]", /want one of docs, locales/],
    ["name: a\nfiles: [{ path: /../x, text: b }]", /want a path from the root/],
    ["name: a\nfiles: [{ path: etc/x, text: b }]", /want a path from the root/],
    ["name: a\nfiles: [{ path: /x }]", /line 2, column 9: want either text or source/],
    ["name: a\nfiles: [{ path: /x, source: gone }]", /line 2, column 29: "gone" is not there/],
    ["name: a\nfiles: [{ path: /x, source: out }]", /lies outside of the recipe's directory/],
    ["name: a\nfiles: [{ path: /x, source: ../../../etc/hostname }]", /lies outside|is not there/],
    ["name: a\nfiles: [{ path: /x, text: a, mode: 0644 }]", /want permissions in octal and in quotes/],
    ["name: a\nusers: [{ name: b, uid: 0 }]", /want a whole number from 1 to/],
    ["name: a\ndebug: maybe", /want true or false/],
    ["name: a\nlabels: &x { a: b }\nenvironment: *x", /aliases are not read/],
    ["name: a\nlabels: { __proto__: b, c: 1 }", /want text, found 1/],
    ["name: a\nfiles: text", /line 2, column 8: want a list, found "text"/],
    ["name: a\nfiles: [x]", /line 2, column 9: want fields \(path, text, source, mode, owner\), found "x"/],
    ["name: a\nfiles: [{ text: b }]", /line 2, column 9: field "path" is missing/],
    ["name: a\nfiles: [{ path: /x, source: below }]", /line 2, column 29: "below" is no file/],
    ["name: a\nfiles: [{ path: /x, text: a, owner: x }]", /want a whole number from 0 to .*, found "x"/],
    ["name: a\ndirectories: [{ path: x }]", /line 2, column 23: want a path from the root/],
    ["name: a\nlinks: [{ path: /x }]", /line 2, column 9: field "target" is missing/],
    ["name: a\nusers: [{ name: B, uid: 1 }]", /line 2, column 17: want a name of lower-case letters/],
    ["name: a\nports: ['80']", /line 2, column 9: want a port with its protocol, as 8080\/tcp, found "80"/],
    ["name: a\nports: [70000/tcp]", /line 2, column 9: want a port with its protocol/],
    ["name: a\nlayers: [{}]", /line 2, column 10: want packages or paths/],
    ["name: a\nusers: [{ name: root, uid: 5 }]", /line 2, column 9: user "root" has that name/],
    ["name: a\nusers: [{ name: b, uid: 65532 }]", /line 2, column 9: user "nonroot" has that number, 65532/],
    ["name: a\nuser: b", /line 2, column 7: there is no user "b"; add it to "users"/],
    ["name: >\u001b[31m", /header includes extra characters: >\?\[31m$/],
    ["name: a\nentrypoint: sh", /line 2, column 13: want a list, found "sh"/],
    ["name: a\nenvironment: [A=1]", /line 2, column 14: want names with values, found a list/],
    ["name: a\nworkdir: app", /line 2, column 10: want a path from the root/],
    ["name: a\nkind: tiny", /want one of distroless, system, found "tiny"/],
    ["name: a\ndrop: [usr/*]", /line 2, column 8: want a path from the root/],
    ["name: a\nlayers: [libc6]", /line 2, column 10: want fields \(packages, paths\), found "libc6"/],
    ["name: a\nlayers: [{ packages: [Libc] }]", /want the name of a package, as libc6 or python3\*/],
    ["name: a\nlayers: [{ paths: [usr] }]", /want a path from the root/],
    ["name: a\nbinaries: [7]", /want text or fields \(source, image, path\), found 7/],
    ["name: a\nbinaries: [gone]", /line 2, column 12: "gone" is not there/],
    [
      "name: a\nbinaries: [r.yaml]",
      /line 2, column 12: "r\.yaml" is no program that the linker of Linux loads/,
    ],
    ["name: a\nbinaries: [out]", /lies outside of the recipe's directory/],
    ["name: a\nbinaries: [{ image: x }]", /line 2, column 12: want either source, or image and path/],
    ["name: a\nbinaries: [{ image: x, path: /none }]", /line 2, column 30: image "x" has no file "\/none"/],
    ["name: a\njlink: {}", /line 2, column 8: field "package" is missing/],
    [
      "name: a\njlink: { package: java }",
      /want the package of a development kit, as openjdk-17-jdk-headless/,
    ],
    ["name: a\njlink: { package: openjdk-17-jdk-headless }", /line 2, column 8: want modules or a jar/],
    [
      "name: a\njlink: { package: openjdk-17-jdk-headless, modules: [java base] }",
      /line 2, column 54: want the name of a module, as java\.net\.http, found "java base"/,
    ],
    [
      "name: a\njlink: { package: openjdk-17-jdk-headless, jar: none.jar }",
      /line 2, column 49: "none\.jar" is not there/,
    ],
    ["name: a\nfrom: nothing", /line 2, column 7: there is no built-in recipe "nothing"/],
    [
      "name: a\nfrom: distroless/python3:slim\nsuite: trixie",
      /line 3, column 8: suite is trixie, and recipe .* is of bookworm/,
    ],
  ];
  for (const [text, message] of rows)
    await assert.rejects(
      read(text),
      (error) =>
        error instanceof LighterError && error.code.startsWith("RECIPE_") && message.test(error.message),
      text,
    );
});

test("docs/recipe.schema.json is what the reader reads", () => {
  const path = "docs/recipe.schema.json";
  const text = `${JSON.stringify(recipeJsonSchema(), undefined, 2)}\n`;
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(path, text);
  assert.deepEqual(
    JSON.parse(readFileSync(path, "utf8")),
    JSON.parse(text),
    "write it anew with UPDATE_DOCS=1 node scripts/test.mjs src/distroless",
  );
});
