import { trimPacks } from "../assemble/trim-packs.ts";
import { type Shape, toJsonSchema } from "./shape.ts";

const text = (about: string): Shape => ({ kind: "text", about });
const texts = (about: string, item: Shape): Shape => ({ kind: "list", about, item });
const record = (
  about: string,
  fields: Readonly<Record<string, Shape>>,
  ...required: readonly string[]
): Shape => ({
  kind: "record",
  about,
  fields,
  required,
});

const absolutePath: Shape = {
  kind: "text",
  about: "Path in the image, from the root",
  pattern: "^(?!.*/\\.\\.?(?:/|$))/[^\\u0000]+$",
  want: 'a path from the root without "." and ".."',
};
const mode: Shape = {
  kind: "text",
  about: "Permissions in octal, in quotes",
  pattern: "^[0-7]{3,4}$",
  want: 'permissions in octal and in quotes, as "0644"',
};
const owner: Shape = { kind: "integer", about: "User and group that own it", min: 0, max: 4_294_967_294 };

/** What a recipe file holds. */
export const recipeShape: Shape = record(
  "An image made of signed Debian packages",
  {
    name: {
      kind: "text",
      about: "Name of the image",
      pattern: "^[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*$",
      want: "a name of lower-case letters, digits and separators",
    },
    from: text("A built-in recipe to begin with: distroless/python3:slim"),
    suite: { kind: "text", about: "Debian release", choices: ["bookworm", "trixie"] },
    kind: {
      kind: "text",
      about: "distroless: nothing but these packages; system: a whole Debian with apt",
      choices: ["distroless", "system"],
    },
    packages: texts("Packages; what they depend on follows", {
      kind: "text",
      about: "A package, with a version when one is demanded: libpq5, libssl3 (>= 3.0.15)",
      pattern: "^[a-z0-9][a-z0-9+.-]+(?: \\((?:<<|<=|=|>=|>>) [A-Za-z0-9.+:~-]+\\))?$",
      want: "the name of a package, as libpq5 or libssl3 (>= 3.0.15)",
    }),
    ignore: texts("Dependencies that are not followed", text("Name of a package")),
    trim: texts("What is cut out", {
      kind: "text",
      about: Object.entries(trimPacks)
        .map(([name, { loses }]) => `${name}: ${loses}`)
        .join("; "),
      choices: Object.keys(trimPacks),
    }),
    drop: texts("Files that are left out, as patterns", absolutePath),
    keep: texts("Files that stay although a pattern drops them", absolutePath),
    files: texts(
      "Files that are added",
      record(
        "A file with its text, or with the content of a file beside the recipe",
        {
          path: absolutePath,
          text: text("The content"),
          source: text("Path of the content, from the recipe's directory"),
          mode,
          owner,
        },
        "path",
      ),
    ),
    directories: texts(
      "Directories that are made",
      record("A directory", { path: absolutePath, mode, owner }, "path"),
    ),
    binaries: texts("Programs whose libraries the image has, and of libraries no others", {
      kind: "record",
      about: "A file beside the recipe, or one of an image in the store",
      fields: {
        source: text("Path of the program, from the recipe's directory"),
        image: text("Name of an image, as lighter images shows it: app:build"),
        path: absolutePath,
      },
      required: [],
      shorthand: "source",
    }),
    jlink: record(
      "A Java of some modules only, cut with jlink: /usr/bin/java",
      {
        package: {
          kind: "text",
          about: "The development kit that it is cut from",
          pattern: "^openjdk-\\d+-jdk-headless$",
          want: "the package of a development kit, as openjdk-17-jdk-headless",
        },
        modules: texts("Modules; what they need follows", {
          kind: "text",
          about: "A module",
          pattern: "^[a-z][a-zA-Z0-9_]*(?:\\.[a-zA-Z][a-zA-Z0-9_]*)*$",
          want: "the name of a module, as java.net.http",
        }),
        jar: text("A program whose modules are found with jdeps: its path, from the recipe's directory"),
      },
      "package",
    ),
    layers: texts(
      "What the layers hold, lowest first; all else is in one more above them",
      record("What a layer holds", {
        packages: texts("Packages, with * for anything", {
          kind: "text",
          about: "A package: libc6, python3*",
          pattern: "^[a-z0-9*][a-z0-9+.*-]*$",
          want: "the name of a package, as libc6 or python3*",
        }),
        paths: texts("Paths, with * for anything", absolutePath),
      }),
    ),
    links: texts(
      "Symbolic links",
      record("A link", { path: absolutePath, target: text("Where it leads") }, "path", "target"),
    ),
    users: texts(
      "Accounts beside root, nobody and nonroot",
      record(
        "An account and its group",
        {
          name: {
            kind: "text",
            about: "Name of the account",
            pattern: "^[a-z_][a-z0-9_-]{0,31}$",
            want: "a name of lower-case letters, digits, - and _",
          },
          uid: { kind: "integer", about: "Number of user and group", min: 1, max: 4_294_967_294 },
          home: absolutePath,
        },
        "name",
        "uid",
      ),
    ),
    environment: { kind: "map", about: "Variables of its containers", value: text("Value") },
    entrypoint: texts("Program that containers run", text("A word")),
    command: texts("Arguments that the command line replaces", text("A word")),
    user: text("User of its containers: a name or a number"),
    workdir: absolutePath,
    ports: texts("Ports that it listens on", {
      kind: "text",
      about: "A port: 8080/tcp",
      pattern:
        "^(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])/(?:tcp|udp|sctp)$",
      want: "a port with its protocol, as 8080/tcp",
    }),
    labels: { kind: "map", about: "Labels of the image", value: text("Value") },
    debug: { kind: "boolean", about: "Adds a shell in /busybox" },
  },
  "name",
);

/** The schema for editors: docs/recipe.schema.json. */
export function recipeJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "lighter recipe",
    ...toJsonSchema(recipeShape),
  };
}
