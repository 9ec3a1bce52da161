import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Runtime } from "./runtime.ts";

/** What a probe found: which runtime works, among programs that are identified by their keys. */
export interface Answer {
  readonly question: readonly string[];
  readonly works: Runtime["name"];
}

/**
 * The kept answer, when it was given to this very question.
 * A file that is absent or unreadable costs a new probe and nothing else.
 */
export function readAnswer(path: string, question: readonly string[]): Runtime["name"] | undefined {
  try {
    const answer: Partial<Answer> | null = JSON.parse(readFileSync(path, "utf8"));
    return JSON.stringify(answer?.question) === JSON.stringify(question) ? answer?.works : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps an answer; a reader sees the old one or the new one. */
export function writeAnswer(path: string, answer: Answer): void {
  const half = `${path}.${process.pid}`;
  writeFileSync(half, `${JSON.stringify(answer)}\n`);
  renameSync(half, path);
}
