import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "#build";
import { fakeIo } from "../testing.ts";
import { type FrameOptions, failureLines, renderFrame } from "./frame.ts";
import { emptyPlainLog, type PlainLog, tellEvent, tellQueues, tellRest } from "./plain.ts";
import { type RawSteps, rawJson } from "./rawjson.ts";
import { Screen } from "./screen.ts";
import { openDisplay } from "./show.ts";
import { emptyView, reduceView } from "./state.ts";
import { output, sampleBuild, stepId } from "./testing.ts";

function frame(events: readonly BuildEvent[], options: Partial<FrameOptions> = {}): string {
  const view = events.reduce(reduceView, emptyView);
  const defaults = { nowMs: 5000, startedMs: 0, columns: 80, rows: 24, hasColor: false, isFinal: false };
  return renderFrame(view, { ...defaults, ...options }).join("\n");
}

test("renderFrame() draws a build in the middle as BuildKit does", () => {
  assert.equal(
    frame(sampleBuild.slice(0, 8), { nowMs: 2500 }),
    `[+] Building 2.5s (1/5)
 => [internal] load build context                                           0.2s
 => [builder 1/4] FROM golang:1.19                                          2.4s
 => => FROM golang:1.19: assembled from Debian bookworm (recipe golang)
 => => download libc6_2.36-9_amd64.deb                                2.7MB done
 => => download golang-1.19-go_1.19.8-2_… [=====>              ] 12.5MB / 47.3MB`,
  );
});

test("renderFrame() shows the tail of a running step, without what a terminal would obey", () => {
  assert.equal(
    frame(sampleBuild.slice(0, 15)),
    `[+] Building 5.0s (3/5)
 => [internal] load build context                                           0.2s
 => [builder 1/4] FROM golang:1.19                                          4.2s
 => => FROM golang:1.19: assembled from Debian bookworm (recipe golang)
 => CACHED [builder 2/4] WORKDIR /src                                       0.0s
 => [builder 4/4] RUN go build                                              0.7s
 => => # go: downloading
 => => # half a line
 => => # shown`,
  );
});

test("renderFrame() of a failed build, and the lines that follow it", () => {
  assert.equal(
    frame(sampleBuild, { nowMs: 5300, isFinal: true }),
    `[+] Building 5.3s (3/5)
 => [internal] load build context                                           0.2s
 => [builder 1/4] FROM golang:1.19                                          4.2s
 => => FROM golang:1.19: assembled from Debian bookworm (recipe golang)
 => CACHED [builder 2/4] WORKDIR /src                                       0.0s
 => ERROR [builder 4/4] RUN go build                                        1.0s`,
  );
  assert.deepEqual(failureLines(sampleBuild.reduce(reduceView, emptyView)), [
    "------",
    " > [builder 4/4] RUN go build:",
    "0.123 go: downloading",
    "0.200 half a line",
    "0.200 shown",
    "1.000 no end",
    "------",
  ]);
});

test("renderFrame() is never wider or taller than the terminal", () => {
  const wide: BuildEvent[] = [
    { kind: "planned", steps: [{ id: stepId("x"), name: "[1/1] RUN 建てる 🚀 ".repeat(20), inputs: [] }] },
    { kind: "started", step: stepId("x"), timeMs: 0 },
    ...Array.from({ length: 50 }, (_, line) => output("x", line, `日本語 line ${line}\n`)),
  ];
  const cells = (line: string) =>
    Array.from(line).reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0);
  for (const columns of [1, 5, 10, 20, 39, 40, 80, 200]) {
    for (const rows of [2, 5, 24]) {
      for (const events of [wide, sampleBuild.slice(0, 15)]) {
        const lines = frame(events, { columns, rows }).split("\n");
        for (const line of lines) assert.ok(cells(line) <= columns, `${columns}: ${line}`);
        assert.ok(lines.length < rows || lines.length === 2, `${rows} rows, ${lines.length} lines`);
      }
    }
  }
});

test("renderFrame() drops ended steps first when the terminal is low", () => {
  assert.equal(
    frame(sampleBuild.slice(0, 15), { rows: 7 }),
    `[+] Building 5.0s (3/5)
 => CACHED [builder 2/4] WORKDIR /src                                       0.0s
 => [builder 4/4] RUN go build                                              0.7s
 => => # go: downloading
 => => # half a line
 => => # shown`,
  );
});

test("renderFrame() colours whole lines, and only when asked", () => {
  const text = frame(sampleBuild, { hasColor: true, isFinal: true });
  assert.match(text, /\u001b\[34m => CACHED .*\u001b\[0m$/m);
  assert.match(text, /\u001b\[31m => ERROR .*\u001b\[0m$/m);
  assert.doesNotMatch(frame(sampleBuild, { isFinal: true }), /\u001b/);
});

function plain(events: readonly BuildEvent[], clock: (event: BuildEvent) => number = eventTime): string {
  let log: PlainLog = emptyPlainLog;
  let text = "";
  for (const event of events) {
    const told = tellEvent(log, event, clock(event));
    log = told.log;
    text += told.text;
  }
  return text + tellRest(log).text;
}

function eventTime(event: BuildEvent): number {
  return "timeMs" in event ? event.timeMs : 0;
}

test("the plain log is BuildKit's", () => {
  assert.equal(
    plain(sampleBuild),
    `#1 [internal] load build context
#1 transferring context 2kB / 2kB done
#1 DONE 0.2s

#2 [builder 1/4] FROM golang:1.19
#2 FROM golang:1.19: assembled from Debian bookworm (recipe golang)
#2 download libc6_2.36-9_amd64.deb 2.7MB / 2.7MB done
#2 DONE 4.2s

#3 [builder 2/4] WORKDIR /src
#3 CACHED

#4 [builder 4/4] RUN go build
#4 0.123 go: downloading
#4 0.200 half a line
#4 0.200 shown
#4 1.000 no end
#4 ERROR: process /bin/sh -c go build: exit code 2

WARNING: something worth knowing
`,
  );
});

test("the plain log keeps tabs, and nothing that a terminal would obey", () => {
  const events: readonly BuildEvent[] = [
    { kind: "planned", steps: [{ id: stepId("a"), name: "RUN x", inputs: [] }] },
    { kind: "started", step: stepId("a"), timeMs: 0 },
    output("a", 0, "left\t\u001b[31mright\u001b[0m\n"),
  ];
  assert.match(plain(events), /^#1 0\.000 left\tright$/m);
});

test("the plain log keeps to one step until it ends or stays silent", () => {
  const events: BuildEvent[] = [
    {
      kind: "planned",
      steps: [
        { id: stepId("a"), name: "[a 1/1] RUN a", inputs: [] },
        { id: stepId("b"), name: "[b 1/1] RUN b", inputs: [] },
      ],
    },
    { kind: "started", step: stepId("a"), timeMs: 0 },
    { kind: "started", step: stepId("b"), timeMs: 0 },
    output("a", 100, "a1\n"),
    output("b", 200, "b1\n"),
    output("a", 300, "a2\n"),
    output("b", 6000, "b2\n"),
    output("a", 6100, "a3\n"),
    { kind: "finished", step: stepId("b"), timeMs: 6200, cached: false },
    { kind: "finished", step: stepId("a"), timeMs: 6300, cached: false },
  ];
  assert.equal(
    plain(events),
    `#1 [a 1/1] RUN a
#1 0.100 a1
#1 0.300 a2
#1 ...

#2 [b 1/1] RUN b
#2 0.200 b1
#2 6.000 b2
#2 DONE 6.2s

#1 [a 1/1] RUN a
#1 6.100 a3
#1 DONE 6.3s

`,
  );
});

test("the plain log tells a waiting queue when the step at hand stays silent", () => {
  const { log } = [
    { kind: "started", step: stepId("a"), timeMs: 0 } as const,
    output("a", 100, "a1\n"),
    output("b", 200, "b1\n"),
  ].reduce((told, event) => tellEvent(told.log, event, eventTime(event)), { log: emptyPlainLog, text: "" });
  assert.equal(tellQueues(log, 1000).text, "");
  assert.match(tellQueues(log, 5200).text, /^#1 \.\.\.\n\n#2 .*\n#2 0\.000 b1\n$/);
});

test("rawjson speaks BuildKit's SolveStatus", () => {
  let steps: RawSteps = new Map();
  const lines = sampleBuild.map((event) => {
    const next = rawJson(steps, event, 7);
    steps = next.steps;
    return JSON.parse(next.line) as Record<string, Record<string, unknown>[]>;
  });
  assert.deepEqual(lines[1], {
    vertexes: [
      {
        digest: stepId("c"),
        inputs: [],
        name: "[internal] load build context",
        started: "1970-01-01T00:00:00.000Z",
      },
    ],
  });
  assert.equal(lines[10]?.["vertexes"]?.[0]?.["cached"], true);
  assert.deepEqual(lines[12]?.["logs"]?.[0], {
    vertex: stepId("r"),
    stream: 1,
    data: Buffer.from("go: downloading\nhalf ").toString("base64"),
    timestamp: "1970-01-01T00:00:04.423Z",
  });
  assert.match(String(lines[15]?.["vertexes"]?.[0]?.["error"]), /exit code 2/);
});

test("Screen draws over its last frame in one write and gives the cursor back", () => {
  const io = fakeIo({ isTerminal: true, columns: 10 });
  const writes: string[] = [];
  const screen = new Screen({ ...io.stderr, write: (data) => void writes.push(String(data)) });
  screen.draw(["one", "two"]);
  screen.draw(["a line longer than ten cells"]);
  screen.draw(["end"]);
  screen[Symbol.dispose]();
  assert.deepEqual(writes, [
    "\u001b[?25l\rone\u001b[K\ntwo\u001b[K\n\u001b[J",
    "\u001b[2A\ra line longer than ten cells\u001b[K\n\u001b[J",
    "\u001b[3A\rend\u001b[K\n\u001b[J",
    "\u001b[?25h",
  ]);
});

test("openDisplay() picks frames for a terminal and a log for a pipe", () => {
  const show = (isTerminal: boolean, env: Record<string, string> = {}) => {
    const io = fakeIo({ isTerminal, env });
    {
      using display = openDisplay("auto", io);
      for (const event of sampleBuild) display.onEvent(event);
    }
    return io.written.stderr;
  };
  assert.match(show(true), /\u001b\[\?25l[\s\S]*\[\+\] Building[\s\S]*\u001b\[\?25h/);
  assert.match(show(false), /^#1 \[internal\]/);
  assert.match(show(true, { TERM: "dumb" }), /^#1 \[internal\]/);
  assert.match(show(false), /WARNING: something worth knowing\n------\n > \[builder 4\/4\]/);
});
