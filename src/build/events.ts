import type { Progress } from "#base";
import type { Digest } from "#oci";
import type { Miss } from "./explain/miss.ts";

/**
 * What happens during a build, in order. One stream feeds the terminal, the plain log, the Engine API and library users;
 * the display is a pure function of it.
 */
export type BuildEvent =
  | { readonly kind: "planned"; readonly steps: readonly StepSummary[] }
  | { readonly kind: "started"; readonly step: StepId; readonly timeMs: number }
  /** `current`/`total` of downloads, unpacking and copying inside a step. */
  | { readonly kind: "progress"; readonly step: StepId; readonly progress: Progress }
  /** One line that belongs to a step and is no output of a program: `FROM golang:1.19: assembled from …`. */
  | { readonly kind: "note"; readonly step: StepId; readonly text: string }
  | {
      readonly kind: "output";
      readonly step: StepId;
      readonly stream: "stdout" | "stderr";
      readonly chunk: Uint8Array;
      readonly timeMs: number;
    }
  | {
      readonly kind: "finished";
      readonly step: StepId;
      readonly timeMs: number;
      readonly cached: boolean;
      /** Why it had to run: {@link miss} as a person reads it. */
      readonly reason?: string;
      readonly miss?: Miss;
    }
  | {
      readonly kind: "failed";
      readonly step: StepId;
      readonly timeMs: number;
      readonly message: string;
      readonly reason?: string;
      readonly miss?: Miss;
    }
  | { readonly kind: "cancelled"; readonly step: StepId; readonly timeMs: number }
  | { readonly kind: "warning"; readonly text: string };

/** Identifies a step within one build. */
export type StepId = Digest;

/** A step as people read it. */
export interface StepSummary {
  readonly id: StepId;
  /** BuildKit's words: `[builder 2/4] WORKDIR /src`, `[internal] load build context`, `exporting to image`. */
  readonly name: string;
  readonly inputs: readonly StepId[];
}
