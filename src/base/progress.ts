/** One sign of life of long work. A total of undefined means that it is not known yet. */
export interface Progress {
  /** Stable within one operation: a later event with the same id replaces the earlier line. */
  readonly id: string;
  /** What is being done, for a person: `download libc6_2.36-9_amd64.deb`. */
  readonly label: string;
  readonly current: number;
  readonly total?: number;
  readonly unit: "bytes" | "items";
  /** True exactly once, on the last event of this id. */
  readonly done?: boolean;
}

/** Receives progress; must not throw and must return quickly. */
export type OnProgress = (progress: Progress) => void;
