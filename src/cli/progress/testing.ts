import type { BuildEvent, StepId } from "#build";
import { digestOf } from "#oci";

/** The id that a test gives a step by its letter. */
export function stepId(letter: string): StepId {
  return digestOf(letter);
}

/** A build in the order in which it happens; times in milliseconds. */
export const sampleBuild: readonly BuildEvent[] = [
  {
    kind: "planned",
    steps: [
      { id: stepId("c"), name: "[internal] load build context", inputs: [] },
      { id: stepId("f"), name: "[builder 1/4] FROM golang:1.19", inputs: [] },
      { id: stepId("w"), name: "[builder 2/4] WORKDIR /src", inputs: [stepId("f")] },
      { id: stepId("r"), name: "[builder 4/4] RUN go build", inputs: [stepId("w")] },
      { id: stepId("e"), name: "exporting to image", inputs: [stepId("r")] },
    ],
  },
  { kind: "started", step: stepId("c"), timeMs: 0 },
  { kind: "started", step: stepId("f"), timeMs: 100 },
  progress("c", "transferring context", [2000, 2000]),
  { kind: "finished", step: stepId("c"), timeMs: 200, cached: false },
  {
    kind: "note",
    step: stepId("f"),
    text: "FROM golang:1.19: assembled from Debian bookworm (recipe golang)",
  },
  progress("f", "download golang-1.19-go_1.19.8-2_amd64.deb", [12_500_000, 47_300_000]),
  progress("f", "download libc6_2.36-9_amd64.deb", [2_700_000, 2_700_000]),
  { kind: "finished", step: stepId("f"), timeMs: 4300, cached: false },
  { kind: "started", step: stepId("w"), timeMs: 4300 },
  { kind: "finished", step: stepId("w"), timeMs: 4300, cached: true },
  { kind: "started", step: stepId("r"), timeMs: 4300 },
  output("r", 4423, "go: downloading\nhalf "),
  output("r", 4500, "a line\n\u001b[31mred\u001b[0m\ttext\rshown\n"),
  output("r", 4600, "no end"),
  {
    kind: "failed",
    step: stepId("r"),
    timeMs: 5300,
    message: "process /bin/sh -c go build: exit code 2\nmore",
  },
  { kind: "warning", text: "something worth knowing" },
];

export function output(letter: string, timeMs: number, text: string): BuildEvent {
  return { kind: "output", step: stepId(letter), stream: "stdout", chunk: Buffer.from(text), timeMs };
}

function progress(letter: string, label: string, [current, total]: readonly [number, number]): BuildEvent {
  return {
    kind: "progress",
    step: stepId(letter),
    progress: { id: label, label, current, total, unit: "bytes", ...(current === total && { done: true }) },
  };
}
