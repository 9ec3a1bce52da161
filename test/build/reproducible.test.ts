import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { whyNoMachine } from "../support/cli.ts";
import { type Checkout, type Habits, here, type Machine, openMachine, there } from "./machines.ts";

const skip = whyNoMachine();
const scratch = mkdtempSync(join(tmpdir(), "lighter-reproducible-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const baseFile = `FROM scratch
COPY --chmod=755 busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "/tmp"]
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin
`;

const dockerfile = `FROM base AS tools
RUN mkdir -p /made/deep && date > /dev/null && echo made > /made/file && ln /made/file /made/hard
RUN mkfifo /made/fifo && ln -s file /made/link && chmod 1777 /made && chown 7:8 /made/file
FROM base
ARG NAME=value
ENV GREETING="hello $NAME"
WORKDIR /work/relative
COPY . all/
COPY --chown=5:6 --chmod=u=rwX,go= src /owned
COPY --parents src/./sub/*.txt /parents/
COPY --link src/I /linked/
COPY --link --from=tools /made /linked/made
ADD plain.tar /unpacked/
ADD packed.tar.gz /unpacked/packed
COPY <<one <<two /documents/
first $NAME
one
second
two
RUN <<step
mv /work/relative/all/src /moved
cp -p /unpacked/file /kept
rm -r /owned && mkdir /owned && echo again > /owned/new
rm /documents/one
touch -h /bin/ls
step
RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/t --mount=type=bind,target=/bound \\
  cp -a /bound/src /copied && touch /cache/x /t/x && cp /bound/.hidden /
LABEL b=2 a=1 i=3
ONBUILD RUN true
VOLUME /volume
EXPOSE 80 53/udp
`;

let files: Checkout = {};
before(() => {
  if (skip !== false) return;
  const plain = archiveOf({ file: "from an archive", "folder/inner": "inner" }, 1_000_000_000);
  files = {
    Dockerfile: dockerfile,
    ".dockerignore": "ignored\n",
    ".hidden": "hidden",
    ignored: "never seen",
    "run.sh": "#!/bin/sh\n",
    "src/I": "capital",
    "src/i": "small",
    "src/ı": "dotless",
    "src/é": "accent",
    "src/Z": "end",
    "src/a b": "blank",
    "src/link": "@i",
    "src/hard": "=src/i",
    "src/sub/one.txt": "1",
    "src/sub/two.txt": "2",
    [`src/${"long".repeat(60)}`]: "long",
    "plain.tar": plain,
    "packed.tar.gz": gzipSync(plain),
  };
});

function archiveOf(members: Readonly<Record<string, string>>, seconds: number): Uint8Array {
  const directory = mkdtempSync(join(scratch, "archive-"));
  for (const [name, content] of Object.entries(members)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return execFileSync("tar", ["-c", `--mtime=@${seconds}`, "--sort=name", "--owner=3", "--group=4", "."], {
    cwd: directory,
  });
}

function open(habits: Habits): Machine {
  const machine = openMachine(habits);
  const context = machine.checkOut({ Dockerfile: baseFile, busybox: readFileSync("/bin/busybox") });
  build(machine, context, { flags: ["-t", "base"] });
  return machine;
}

interface Request {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** @returns the image's ID */
function build(machine: Machine, context: string, { flags = [], env }: Request = {}): string {
  const words = ["build", "-q", "--network", "none", "--jobs", machine.jobs, ...flags, context];
  const { status, stdout, stderr } = machine.lighter(words, env);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const outputs = {
  "gzip.tar": "type=oci",
  "zstd.tar": "type=oci,compression=zstd,force-compression=true",
  "plain.tar": "type=oci,compression=uncompressed,force-compression=true",
  "docker.tar": "type=docker,name=reproducible",
  "files.tar": "type=tar",
};

/** Builds into every kind of archive. @returns the digest of each */
function buildArchives(
  machine: Machine,
  context: string,
  request: Request = {},
): Readonly<Record<string, string>> {
  const { folder } = machine.clone;
  const flags = Object.entries(outputs).flatMap(([name, output]) => [
    "-o",
    `${output},dest=${join(folder, name)}`,
  ]);
  build(machine, context, { ...request, flags: [...flags, ...(request.flags ?? [])] });
  return Object.fromEntries(
    Object.keys(outputs).map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

/** Programs that cut times to whole seconds leave open which of two builds of one second wrote a file. */
async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  while (Math.floor(Date.now() / 1000) === second) await delay(20);
}

test("two machines make the same bytes, cached or not", { skip }, () => {
  using first = open(here);
  using second = open(there);
  const context = first.checkOut(files);
  const made = buildArchives(first, context);
  assert.deepEqual(buildArchives(second, second.checkOut(files)), made, "on another machine");
  assert.deepEqual(buildArchives(first, first.checkOut(files)), made, "from the cache");
  assert.deepEqual(buildArchives(first, context, { flags: ["--no-cache"] }), made, "without the cache");
});

test("SOURCE_DATE_EPOCH is all that a digest has of the time", { skip }, async () => {
  using first = open(here);
  using second = open(there);
  await nextSecond();
  const [one, other] = [first.checkOut(files), second.checkOut(files)];
  const env = { SOURCE_DATE_EPOCH: "1500000000" };
  const made = build(first, one, { env });
  assert.equal(build(second, other, { flags: ["--build-arg", "SOURCE_DATE_EPOCH=1500000000"] }), made);
  assert.notEqual(build(first, one), made);
});

test("a store that built something else before makes the same", { skip }, () => {
  using first = open(here);
  using second = open(there);
  const earlier = { ...files, "src/Z": "another end", "src/gone": "gone" };
  build(first, first.checkOut(earlier));
  const made = build(first, first.checkOut(files));
  assert.equal(build(second, second.checkOut(files)), made);
});

test("what came with an archive keeps its time, whenever steps below ran", { skip }, () => {
  using first = open(here);
  using second = open(there);
  const below = "FROM base\nRUN echo below > /below\n";
  build(first, first.checkOut({ Dockerfile: below }));
  // The members are younger than the step in one store, and of the second in which the archive was checked out there.
  const seconds = Math.ceil(Date.now() / 1000);
  const archive = { "new.tar": archiveOf({ member: "new" }, seconds) };
  const text = `${below}ADD new.tar /\nRUN cp -p /member /copy\n`;
  const made = build(first, first.checkOut({ Dockerfile: text, ...archive }));
  assert.equal(build(second, second.checkOut({ Dockerfile: text, ...archive })), made);
});

test("a base that was built here is the base that came as an image", { skip }, async () => {
  using first = open(here);
  using second = open(there);
  await nextSecond();
  const base = "FROM base\nCOPY . /checkout\nRUN mkdir /made && echo 1 > /made/one\n";
  const context = first.checkOut({ Dockerfile: base, file: "checked out" });
  build(first, context, { flags: ["-t", "middle"], env: { SOURCE_DATE_EPOCH: "1200000000" } });
  const archive = join(second.clone.folder, "middle.tar");
  assert.equal(first.lighter(["save", "-o", archive, "middle"]).status, 0);
  assert.equal(second.lighter(["load", "-i", archive]).status, 0);
  await nextSecond();
  const text = "FROM middle\nRUN chown -R 5 /made /checkout && mv /checkout /moved\n";
  const env = { SOURCE_DATE_EPOCH: "1300000000" };
  const made = build(first, first.checkOut({ Dockerfile: text }), { env });
  assert.equal(build(second, second.checkOut({ Dockerfile: text }), { env }), made);
});

test("results that another store made give the same", { skip }, () => {
  using first = open(here);
  using second = open(there);
  const cache = join(second.clone.folder, "cache");
  const made = build(first, first.checkOut(files), {
    flags: ["--cache-to", `type=local,dest=${cache},mode=max`],
  });
  const from = ["--cache-from", `type=local,src=${cache}`];
  assert.equal(build(second, second.checkOut(files), { flags: from }), made);
});
