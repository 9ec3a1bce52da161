import type { ContainerRecord } from "#container";
import type { BuildOptions, BuildResult, RunOptions } from "#engine";
import type { Image, Removal } from "#image";
import type { Digest } from "#oci";
import type { Plan, PlanInvalid } from "#plan";

type Eventual<T> = T | Promise<T>;

/** What the commands use of the engine: the whole of it that a fake must play in tests. */
export interface CliEngine extends AsyncDisposable {
  /** The directory of the store. */
  readonly root: string;
  build(options: BuildOptions): Promise<BuildResult>;
  /** Reads and plans, and runs nothing: for `--check`, `--call` and `--print plan`. */
  plan(options: BuildOptions): Promise<PlannedBuild>;
  /** The status of the container's program. */
  run(options: RunOptions): Promise<number>;
  readonly containers: {
    list(): Eventual<readonly ContainerRecord[]>;
    remove(text: string, options?: { readonly force?: boolean }): Promise<ContainerRecord>;
  };
  readonly images: {
    list(): Eventual<readonly Image[]>;
    get(text: string): Eventual<Image>;
    history(text: string): Eventual<readonly HistoryLine[]>;
    tag(source: string, target: string): Eventual<unknown>;
    remove(text: string, options?: { readonly force?: boolean }): Eventual<Removal>;
    save(names: readonly string[], options: { readonly format: "oci" | "docker" }): AsyncIterable<Uint8Array>;
    load(archive: AsyncIterable<Uint8Array>): Promise<readonly Image[]>;
  };
}

/** A Dockerfile and what a build of it would do. */
export interface PlannedBuild {
  /** `name` as messages name the file. */
  readonly dockerfile: { readonly name: string; readonly text: string };
  readonly answer: Plan | PlanInvalid;
}

/** One instruction of an image's past, newest first. */
export interface HistoryLine {
  /** The image this line completes; undefined for all but the newest. */
  readonly id?: Digest;
  readonly created?: string;
  readonly createdBy: string;
  readonly sizeBytes: number;
  readonly comment?: string;
}
