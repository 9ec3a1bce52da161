import type { PathRules } from "./assemble/apt-configuration.ts";
import type { TrimPackName } from "./assemble/trim-packs.ts";

/** A recipe as data: which packages, what is added to them, how containers of the image start. */
export interface RecipeDefinition {
  /** `debian`, `debian-slim`, `golang`, `distroless/base`. */
  readonly name: string;
  /**
   * `system` (the default) is a whole Debian with dpkg and apt. `distroless` holds nothing but the packages named and what
   * they depend on, and every library that its programs load is proved to be there.
   */
  readonly kind?: "system" | "distroless";
  /** Codename of the Debian release. */
  readonly release: string;
  /** Path on docker.io whose role it plays: `library/golang`. */
  readonly repository: string;
  readonly tags: readonly string[];
  /** In Debian's notation; dependencies follow by themselves, and for a system the essential and required packages. */
  readonly packages: readonly string[];
  readonly prefer?: readonly string[];
  /** Dependencies that are taken as met: what an image without a package manager does not need. */
  readonly ignore?: readonly string[];
  /** What slim images leave out. */
  readonly pathRules?: PathRules;
  /** What is cut out of a distroless image, each by its name. */
  readonly trim?: readonly TrimPackName[];
  /** Adds a shell and its tools in /busybox; the package is `busybox-static`. */
  readonly debug?: boolean;
  /** The same shell and tools, in this directory: `usr/bin`. */
  readonly applets?: string;
  readonly directories?: readonly RecipeDirectory[];
  readonly files?: readonly RecipeFile[];
  /** `{architecture}` in a target stands for Debian's name of it. */
  readonly links?: readonly { readonly path: string; readonly target: string }[];
  /** Programs that will run in the image, or do already: it has the libraries that they load. */
  readonly binaries?: readonly SourceFile[];
  /** Libraries by soname; the packages that have them are found in the archive, and count as dependencies. */
  readonly libraries?: readonly string[];
  /** A Java of some modules only. */
  readonly jlink?: JavaCut;
  /** What the image's layers hold, lowest first; what no rule names is in one more above them. @defaultValue one layer */
  readonly layers?: readonly LayerRule[];
  /** Users beside root, nobody and nonroot, for a distroless image. */
  readonly users?: readonly RecipeUser[];
  readonly env: readonly EnvironmentValue[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly ports?: readonly string[];
  readonly stopSignal?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * A tag that names a full version is answered only when this package has it: a recipe must not pretend to be a version
   * that Debian does not carry.
   */
  readonly versionOf?: string;
  /** The tags stand for whatever release has this suite name (`stable`), which is checked. */
  readonly suiteTags?: { readonly suite: string; readonly tags: readonly string[] };
  /** Images that it is not, but stands in for when the registry that has them cannot be reached. */
  readonly standsIn?: readonly StandIn[];
  /** One line for lists: what it is for. */
  readonly summary?: string;
}

/** Tags of images that a recipe is not. */
export interface StandIn {
  /** With `*` for anything. */
  readonly tags: readonly string[];
  /** In what it differs, for people. */
  readonly differs: string;
}

/** A directory that the recipe makes. */
export interface RecipeDirectory {
  readonly path: string;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A file beside a recipe. */
export interface SourceFile {
  /** As the recipe names it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** A file that the recipe writes: text, or the content of another file. */
export interface RecipeFile {
  readonly path: string;
  readonly text?: string;
  readonly source?: SourceFile;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Which Java is cut, and to what. */
export interface JavaCut {
  /** Debian's package of the development kit: `openjdk-17-jdk-headless`. */
  readonly package: string;
  readonly modules: readonly string[];
  /** A program whose modules are found. */
  readonly jar?: SourceFile;
}

/** What a layer holds. */
export interface LayerRule {
  /** Names, with `*` for anything. */
  readonly packages: readonly string[];
  /** Paths without a leading slash, with `*` for anything. */
  readonly paths: readonly string[];
}

/** An account, with a group of the same name and number. */
export interface RecipeUser {
  readonly name: string;
  readonly uid: number;
  readonly home?: string;
}

/** A variable with a fixed value, or with the upstream version of an installed package. */
export type EnvironmentValue =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly versionOf: string };
