import type { PathRules } from "./assemble/apt-configuration.ts";

/** A recipe as data: which packages, what is added to them, how containers of the image start. */
export interface RecipeDefinition {
  /** `debian`, `debian-slim`, `golang`. */
  readonly name: string;
  /** Codename of the Debian release. */
  readonly release: string;
  /** Path on docker.io whose role it plays: `library/golang`. */
  readonly repository: string;
  readonly tags: readonly string[];
  /** In Debian's notation; dependencies follow by themselves, and so do the essential and required packages. */
  readonly packages: readonly string[];
  readonly prefer?: readonly string[];
  /** What slim images leave out. */
  readonly pathRules?: PathRules;
  readonly directories?: readonly { readonly path: string; readonly mode: number }[];
  readonly links?: readonly { readonly path: string; readonly target: string }[];
  readonly env: readonly EnvironmentValue[];
  readonly workingDir?: string;
  readonly cmd: readonly string[];
  /**
   * A tag that names a full version is answered only when this package has it: a recipe must not pretend to be a version
   * that Debian does not carry.
   */
  readonly versionOf?: string;
  /** The tags stand for whatever release has this suite name (`stable`), which is checked. */
  readonly suiteTags?: { readonly suite: string; readonly tags: readonly string[] };
}

/** A variable with a fixed value, or with the upstream version of an installed package. */
export type EnvironmentValue =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly versionOf: string };
