import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { LighterError } from "#base";
import { parseReference } from "#oci";
import { rulesOf, type TrimPackName } from "../assemble/trim-packs.ts";
import type { LayerRule, RecipeDefinition, RecipeFile } from "../recipe-definition.ts";
import { debianRecipes, systemPath } from "../recipes/debian.ts";
import { baseTrims, ignoredDependencies } from "../recipes/distroless.ts";
import { type JlinkText, onlyForJava, readJlink, withJava } from "./java.ts";
import { type ProgramOptions, type ProgramText, readPrograms, withPrograms } from "./programs.ts";
import { readBeside } from "./read-beside.ts";
import { readShape, type ShapedDocument } from "./read-shape.ts";
import { recipeShape } from "./recipe-shape.ts";

/** A recipe file as its shape reads it. */
interface RecipeText {
  readonly name: string;
  readonly from?: string;
  readonly suite?: string;
  readonly kind?: "distroless" | "system";
  readonly packages?: readonly string[];
  readonly ignore?: readonly string[];
  readonly trim?: readonly TrimPackName[];
  readonly drop?: readonly string[];
  readonly keep?: readonly string[];
  readonly files?: readonly (Entry & { readonly text?: string; readonly source?: string })[];
  readonly directories?: readonly Entry[];
  readonly links?: readonly { readonly path: string; readonly target: string }[];
  readonly users?: readonly { readonly name: string; readonly uid: number; readonly home?: string }[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly ports?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly debug?: boolean;
  readonly binaries?: readonly ProgramText[];
  readonly jlink?: JlinkText;
  readonly layers?: readonly { readonly packages?: readonly string[]; readonly paths?: readonly string[] }[];
}

interface Entry {
  readonly path: string;
  readonly mode?: string;
  readonly owner?: number;
}

/** What a recipe file is read with. */
export interface ReadOptions extends ProgramOptions {
  /** Finds a built-in recipe by the name of its image, for `from`. */
  readonly findBuiltin: (name: string) => RecipeDefinition | undefined;
}

/**
 * Reads a recipe file. Files that it names are read from its own directory and nowhere else.
 * @throws RECIPE_NOT_FOUND, RECIPE_INVALID, IMAGE_NOT_FOUND
 */
export async function readRecipe(path: string, options: ReadOptions): Promise<RecipeDefinition> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new LighterError("RECIPE_NOT_FOUND", `cannot read recipe "${path}": there is no such file`);
  const document = readShape(
    { path, text: readFileSync(path, "utf8"), noun: "recipe", code: "RECIPE_INVALID" },
    recipeShape,
  );
  const text = document.value as RecipeText;
  const folder = dirname(path);
  const found = text.from === undefined ? emptyRecipe(text) : findBase(document, text, options.findBuiltin);
  const base = text.jlink === undefined ? found : onlyForJava(found);
  const { repository, tag = "latest" } = parseReference(text.name);
  const own: RecipeDefinition = {
    ...base,
    name: text.name,
    repository,
    tags: [tag],
    packages: [...new Set([...base.packages, ...(text.packages ?? [])])],
    ...(text.ignore !== undefined && { ignore: [...(base.ignore ?? []), ...text.ignore] }),
    ...(text.trim !== undefined && { trim: text.trim }),
    ...pathRulesOf(base, text),
    ...contents(document, base, { folder, text }),
    ...(text.layers !== undefined && {
      layers: text.layers.map((rule, at) =>
        layerRule(rule, () => document.invalid(["layers", at], "want packages or paths")),
      ),
    }),
  };
  checkUsers(document, own, text);
  const programs = await readPrograms(document, text.binaries ?? [], { ...options, folder });
  const closed = withPrograms(own, programs);
  const cut = text.jlink === undefined ? undefined : readJlink(document, text.jlink, folder);
  const made = cut === undefined ? closed : withJava(closed, cut);
  const environment = Object.entries(text.environment ?? {}).map(([name, value]) => ({ name, value }));
  const kept = made.env.filter(({ name }) => !Object.hasOwn(text.environment ?? {}, name));
  return { ...made, env: [...kept, ...environment], ...startOf(text) };
}

/** Patterns of paths are kept as they stand in the tree: without a leading slash. */
function layerRule(
  { packages = [], paths = [] }: NonNullable<RecipeText["layers"]>[number],
  empty: () => LighterError,
): LayerRule {
  if (packages.length === 0 && paths.length === 0) throw empty();
  return { packages, paths: paths.map((path) => path.slice(1)) };
}

/** Accounts that every distroless image has. */
const fixedUsers = [
  { name: "root", uid: 0 },
  { name: "nobody", uid: 65_534 },
  { name: "nonroot", uid: 65_532 },
];

/** Each account once, and of a distroless image, which has no others, the one that its containers run as. */
function checkUsers(document: ShapedDocument, own: RecipeDefinition, { users = [], user }: RecipeText): void {
  const taken = [...fixedUsers, ...(own.users ?? []).slice(0, (own.users ?? []).length - users.length)];
  for (const [at, { name, uid }] of users.entries()) {
    const other = taken.find((each) => each.name === name || each.uid === uid);
    if (other !== undefined)
      throw document.invalid(
        ["users", at],
        `user "${other.name}" has that ${other.name === name ? "name" : `number, ${uid}`}`,
      );
    taken.push({ name, uid });
  }
  const [name = ""] = (user ?? "").split(":");
  if (own.kind !== "distroless" || name === "" || /^\d+$/.test(name)) return;
  if (!taken.some((each) => each.name === name))
    throw document.invalid(["user"], `there is no user "${name}"; add it to "users"`);
}

function emptyRecipe({
  name,
  suite = "bookworm",
  kind = "distroless",
  binaries,
  jlink,
}: RecipeText): RecipeDefinition {
  const common = { name, release: suite, repository: name, tags: ["latest"], kind } as const;
  if (kind === "system") {
    const debian = debianRecipes.find(({ release }) => release === suite);
    return { ...common, packages: ["apt"], prefer: ["usr-is-merged"], env: debian?.env ?? [], cmd: ["bash"] };
  }
  // What is made for one program is cut down to it, unless the recipe says otherwise.
  const isMade = jlink !== undefined || (binaries ?? []).length > 0;
  return {
    ...common,
    packages: ["base-files", "netbase", "tzdata", "media-types", "ca-certificates"],
    ...(isMade && { trim: baseTrims }),
    prefer: ["usr-is-merged"],
    ignore: ignoredDependencies,
    env: [
      { name: "PATH", value: systemPath },
      { name: "SSL_CERT_FILE", value: "/etc/ssl/certs/ca-certificates.crt" },
    ],
    user: "0",
    workingDir: "/",
  };
}

function findBase(
  document: ShapedDocument,
  { from = "", suite }: RecipeText,
  findBuiltin: ReadOptions["findBuiltin"],
): RecipeDefinition {
  const found = findBuiltin(from);
  if (found === undefined)
    throw document.invalid(["from"], `there is no built-in recipe "${from}"; "lighter recipe ls" lists them`);
  if (suite !== undefined && suite !== found.release)
    throw document.invalid(
      ["suite"],
      `suite is ${suite}, and recipe "${from}" is of ${found.release}; leave suite out`,
    );
  // A name of its own has no promise about a version.
  const { versionOf: _version, suiteTags: _tags, summary: _summary, ...rest } = found;
  return rest;
}

function pathRulesOf(
  base: RecipeDefinition,
  { drop = [], keep = [] }: RecipeText,
): Pick<RecipeDefinition, "pathRules"> {
  if (drop.length === 0 && keep.length === 0) return {};
  const { exclude, include } = base.pathRules ?? rulesOf([]);
  return { pathRules: { exclude: [...exclude, ...drop], include: [...include, ...keep] } };
}

function contents(
  document: ShapedDocument,
  base: RecipeDefinition,
  { folder, text }: { readonly folder: string; readonly text: RecipeText },
): Partial<RecipeDefinition> {
  const place = ({ path: at, mode, owner = 0 }: Entry, usual: number) => ({
    path: at.slice(1),
    mode: mode === undefined ? usual : Number.parseInt(mode, 8),
    uid: owner,
    gid: owner,
  });
  const files = (text.files ?? []).map(
    (file, at): RecipeFile => ({
      ...place(file, 0o644),
      ...contentOf(file, (field, why) => document.invalid(["files", at, ...field], why), folder),
    }),
  );
  const directories = (text.directories ?? []).map((directory) => place(directory, 0o755));
  const links = (text.links ?? []).map(({ path: at, target }) => ({ path: at.slice(1), target }));
  return {
    files: [...(base.files ?? []), ...files],
    directories: [...(base.directories ?? []), ...directories],
    links: [...(base.links ?? []), ...links],
    users: [...(base.users ?? []), ...(text.users ?? [])],
  };
}

function contentOf(
  { text, source }: { readonly text?: string; readonly source?: string },
  invalid: (field: readonly string[], why: string) => LighterError,
  folder: string,
): Pick<RecipeFile, "text" | "source"> {
  if (text !== undefined && source === undefined) return { text };
  if (source === undefined || text !== undefined) throw invalid([], "want either text or source");
  return { source: readBeside(folder, source, (why) => invalid(["source"], why)) };
}

function startOf(text: RecipeText): Partial<RecipeDefinition> {
  const { entrypoint, command, user, workdir, ports, labels, debug } = text;
  return {
    ...(entrypoint !== undefined && { entrypoint }),
    ...(command !== undefined && { cmd: command }),
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workingDir: workdir }),
    ...(ports !== undefined && { ports }),
    ...(labels !== undefined && { labels }),
    ...(debug !== undefined && { debug }),
  };
}
