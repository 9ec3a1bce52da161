import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerRecord } from "#container";
import type { Image } from "#image";
import { runCommandLine } from "../command-line.ts";
import { fakeEngine, fakeIo, unusedSettings, unusedState } from "../testing.ts";

const layer = (diffId: string, sizeBytes: number) => ({ diffId, sizeBytes });
const image = (id: string, layers: readonly object[]) =>
  ({ id, names: [], layers, sizeBytes: 0, config: {} }) as unknown as Image;

test("a layer of several images takes its space once, and is free with the last of them", async () => {
  const shared = layer("base", 3_000_000);
  const images = [image("one", [shared, layer("own", 1_000_000)]), image("two", [shared])];
  const record = {
    ...unusedSettings,
    id: "c",
    mounts: [],
    image: { id: "two", name: "two" },
    state: { ...unusedState, status: "exited" },
  } as unknown as ContainerRecord;
  const engine = fakeEngine({
    images: { list: () => images },
    containers: {
      list: () => Promise.resolve([record]),
      size: () => Promise.resolve({ writtenBytes: 0, totalBytes: 0 }),
    },
    volumes: { list: () => Promise.resolve([]) },
    buildCache: { list: () => Promise.resolve([]) } as never,
    recipes: { cacheUsage: () => Promise.resolve({ packages: 0, sizeBytes: 0 }) } as never,
  });
  const io = fakeIo();
  const line = [
    "system",
    "df",
    "--format",
    "{{.Type}} {{.Size}} {{.Reclaimable}} {{.TotalCount}} {{.Active}}",
  ];
  const status = await runCommandLine(line, {
    io,
    signal: new AbortController().signal,
    onSignals: () => {},
    openEngine: () => Promise.resolve(engine),
  });
  assert.equal(status, 0, io.written.stderr);
  assert.match(io.written.stdout, /^Images 4MB 1MB \(25%\) 2 1\n/);
});
