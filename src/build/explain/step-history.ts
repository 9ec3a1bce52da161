import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "#oci";
import { hashKey } from "../solve/keys.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";

/** What the first key of a step was made of. */
export interface StepKey {
  readonly op: string;
  readonly inputs: readonly string[];
}

/** What is remembered of a step: its key, and whether it ended well. */
export interface StepRecord extends StepKey {
  readonly isDone: boolean;
}

export interface History {
  /** By place: stage and number. */
  readonly steps: Readonly<Record<string, StepRecord | undefined>>;
  /** Digests of base images, by name and platform. */
  readonly bases: Readonly<Record<string, Digest | undefined>>;
}

/** The last runs of one Dockerfile's steps: a small file, and for each step that takes files a link to an index. */
export interface StepHistory extends History {
  /** Where the index is kept that says what files a step took. */
  indexFile(place: string): string;
  /** Keeps what is new. A file that a crash cuts is no history. */
  save(now: History): void;
}

const nothing: History = { steps: {}, bases: {} };

/** @param identity what makes two builds comparable: Dockerfile, context, target */
export function openHistory(directory: string, identity: readonly string[]): StepHistory {
  const name = hashKey(...identity).slice(0, 32);
  const file = join(directory, `${name}.json`);
  const before = load(file);
  return {
    ...before,
    indexFile(place) {
      mkdirSync(join(directory, name), { recursive: true });
      return join(directory, name, hashKey(place).slice(0, 32));
    },
    save(now) {
      const isKnown =
        Object.entries(now.steps).every(([place, step]) => isEqual(before.steps[place], step)) &&
        Object.entries(now.bases).every(([base, digest]) => before.bases[base] === digest);
      if (isKnown) return;
      const merged: History = {
        steps: { ...before.steps, ...now.steps },
        bases: { ...before.bases, ...now.bases },
      };
      writeRecord(file, JSON.stringify(merged));
    },
  };
}

function load(file: string): History {
  try {
    markUsed(file);
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isHistory(value) ? value : nothing;
  } catch {
    return nothing; // the first build, or a file that was cut: there is nothing to compare with
  }
}

function isHistory(value: unknown): value is History {
  if (typeof value !== "object" || value === null || !("steps" in value && "bases" in value)) return false;
  const { steps, bases } = value;
  return typeof steps === "object" && steps !== null && typeof bases === "object" && bases !== null;
}

function isEqual(a: StepRecord | undefined, b: StepRecord | undefined): boolean {
  return a?.op === b?.op && a?.isDone === b?.isDone && a?.inputs.join() === b?.inputs.join();
}
