import type { Engine, Images, RunOptions } from "#engine";

/** What the commands use of the engine, without the parts that only a real one has: a test plays it. */
export type CliEngine = Pick<Engine, "root" | "events" | "build" | "preview" | "plan" | "login" | "logout"> &
  WithRecipes &
  AsyncDisposable & {
    run(options: RunOptions): Promise<number>;
    readonly images: CliImages;
    readonly containers: CliContainers;
    readonly volumes: CliVolumes;
    readonly networks: CliNetworks;
    readonly buildCache: { readonly [Name in keyof Engine["buildCache"]]: Engine["buildCache"][Name] };
  };

type CliImages = Pick<
  Images,
  | "list"
  | "find"
  | "get"
  | "history"
  | "tag"
  | "remove"
  | "save"
  | "load"
  | "collect"
  | "check"
  | "pull"
  | "push"
  | "copy"
  | "readManifest"
  | "createIndex"
  | "changeIndex"
  | "prune"
  | "platforms"
  | "import"
  | "tags"
>;

/** The recipes, without the class's private parts. */
export interface WithRecipes {
  readonly recipes: { readonly [Name in keyof Engine["recipes"]]: Engine["recipes"][Name] };
}

/** A Dockerfile and what a build of it would do. */
export type PlannedBuild = Awaited<ReturnType<Engine["plan"]>>;

export type CliNetworks = { readonly [Name in keyof Engine["networks"]]: Engine["networks"][Name] };

/** Without the class's private parts. */
export type CliContainers = { readonly [Name in keyof Engine["containers"]]: Engine["containers"][Name] };

export type CliVolumes = { readonly [Name in keyof Engine["volumes"]]: Engine["volumes"][Name] };
