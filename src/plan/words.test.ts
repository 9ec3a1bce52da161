import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Range, silentReporter } from "#dockerfile";
import { formatFullPlatform, isBaseName, parsePlatformWord } from "./base-name.ts";
import { parseMode } from "./copy-mode.ts";
import { readPorts } from "./expose.ts";
import { formatNanoseconds } from "./healthcheck.ts";
import { parseOwner } from "./owner.ts";
import { joinWorkdir, resolveDestination, rootedPath } from "./paths.ts";
import { isSignal } from "./signal.ts";

const range: Range = { start: { line: 1, column: 1, offset: 0 }, end: { line: 1, column: 1, offset: 0 } };

/** One test for every row of inputs and results. */
function table(
  name: string,
  rows: readonly (readonly [string, unknown])[],
  of: (text: string) => unknown,
): void {
  describe(name, () => {
    for (const [text, wanted] of rows)
      test(text, () =>
        assert.deepEqual(
          resultOf(() => of(text)),
          wanted,
        ),
      );
  });
}

function resultOf(of: () => unknown): unknown {
  try {
    return of();
  } catch (error) {
    return error instanceof Error ? `! ${error.message}` : error;
  }
}

table(
  "EXPOSE",
  [
    ["80", ["80/tcp"]],
    ["80/UDP", ["80/udp"]],
    ["8000-8002/sctp", ["8000/sctp", "8001/sctp", "8002/sctp"]],
    ["127.0.0.1:8080:80", ["80/tcp"]],
    ["[::1]:8080:80", ["80/tcp"]],
    ["::1:8080:80", ["80/tcp"]],
    ["8080-8081:80", ["80/tcp"]],
    ["", '! invalid port: "": no port specified'],
    ["70000", "! invalid containerPort: 70000"],
    ["9-8", "! invalid containerPort: 9-8"],
    ["x:80", "! invalid hostPort: x"],
    ["1.2.3:80:80", "! invalid IP address: 1.2.3"],
    ["1-3:80-81", "! invalid ranges specified for container and host Ports: 80-81 and 1-3"],
  ],
  (text) => readPorts([text], { range, reporter: silentReporter, spend: () => undefined }),
);

table(
  "platforms",
  [
    ["linux/amd64", "linux/amd64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["aarch64", "linux/arm64"],
    ["linux", "linux/riscv64"],
    ["windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"],
    ["toaster", '! "toaster": unknown operating system or architecture: invalid argument'],
    ["linux/*", '! "linux/*": wildcards not yet supported: invalid argument'],
  ],
  (text) => formatFullPlatform(parsePlatformWord(text, { os: "linux", architecture: "riscv64" })),
);

table(
  "names of images",
  [
    ["alpine", true],
    ["localhost:5000/a/b:c", true],
    ["a:", false],
    [":a", false],
    ["a b", false],
    ["a/../b", false],
  ],
  isBaseName,
);

table(
  "destinations below /w",
  [
    [".", "/w/"],
    ["", "/w/"],
    ["./", "/w/"],
    ["a", "/w/a"],
    ["a/", "/w/a/"],
    ["a/.", "/w/a/"],
    ["../../..", "/"],
    ["/", "/"],
    ["/a//b/../c", "/a/c"],
  ],
  (text) => resolveDestination("/w", text),
);

table(
  "sources",
  [
    ["a/", "/a"],
    ["../../etc", "/etc"],
    [".", "/"],
    ["/a/./b", "/a/b"],
  ],
  rootedPath,
);

table(
  "WORKDIR below /w",
  [
    ["a", "/w/a"],
    ["a/", "/w/a"],
    ["..", "/"],
    ["/a/", "/a/"],
  ],
  (text) => joinWorkdir("/w", text),
);

table(
  "--chmod",
  [
    ["755", 0o755],
    ["07777", 0o7777],
    ["u=rwX,go=rX", "u=rwX,go=rX"],
    ["+x", "+x"],
    ["10000", "! invalid chmod parameter: '10000'. it should be octal string and between 0 and 07777"],
    ["64a", "! invalid chmod parameter: '64a'. it should be octal string and between 0 and 07777"],
  ],
  parseMode,
);

table(
  "--chown",
  [
    ["1", { user: { id: 1 } }],
    ["root:wheel", { user: { id: 0 }, group: { name: "wheel" } }],
    ["a:2", { user: { name: "a" }, group: { id: 2 } }],
  ],
  parseOwner,
);

table(
  "signals",
  [
    ["SIGTERM", true],
    ["kill", true],
    ["RTMIN+3", true],
    ["9", true],
    ["0", false],
    ["SIGNOTHING", false],
  ],
  isSignal,
);

table(
  "durations",
  [
    ["0", "0s"],
    ["1", "1ns"],
    ["1500", "1.5µs"],
    ["1000000", "1ms"],
    ["1500000000", "1.5s"],
    ["3661000000000", "1h1m1s"],
    ["60000000000", "1m0s"],
  ],
  (text) => formatNanoseconds(Number(text)),
);
