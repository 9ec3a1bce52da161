import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Code, LighterError } from "#base";
import type { ContainerRecord } from "#container";
import type { BuildOptions, RunOptions } from "#engine";
import type { Image } from "#image";
import { digestOf } from "#oci";
import { runCommandLine } from "../command-line.ts";
import type { CliEngine } from "../engine-port.ts";
import { type FakeIoOptions, fakeEngine, fakeIo, unusedSettings, unusedState } from "../testing.ts";

async function lighter(line: readonly string[], engine: CliEngine, options: FakeIoOptions = {}) {
  const io = fakeIo(options);
  const host = {
    io,
    signal: new AbortController().signal,
    onSignals: () => {},
    openEngine: () => Promise.resolve(engine),
  };
  const status = await runCommandLine(line, host);
  return { status, ...io.written };
}

function image(names: readonly string[], created: string, sizeBytes: number): Image {
  const id = digestOf(names.join());
  const target = { mediaType: "m", digest: digestOf(id), size: 1 };
  return {
    id,
    target,
    names,
    layers: [],
    sizeBytes,
    manifest: { schemaVersion: 2, config: target, layers: [] },
    config: { os: "linux", architecture: "amd64", created, rootfs: { type: "layers", diff_ids: [] } },
    origin: { kind: "built" },
  };
}

const calculator = image(
  ["docker.io/library/calculator:latest", "docker.io/library/calculator:v1"],
  "2026-11-20T09:00:00Z",
  1_234_567,
);
const dangling = image([], "2026-11-19T09:00:00Z", 0);
const remote = image(["localhost:5000/team/web:2"], "", 837_000_000);
const store = fakeEngine({ images: { list: () => [dangling, remote, calculator] } });

test("images: docker's table, newest first", async () => {
  assert.equal(
    (await lighter(["images"], store)).stdout,
    `REPOSITORY                TAG       IMAGE ID       CREATED        SIZE
calculator                latest    ${calculator.id.slice(7, 19)}   3 hours ago    1.23MB
calculator                v1        ${calculator.id.slice(7, 19)}   3 hours ago    1.23MB
<none>                    <none>    ${dangling.id.slice(7, 19)}   27 hours ago   0B
localhost:5000/team/web   2         ${remote.id.slice(7, 19)}   N/A            837MB
`,
  );
});

test("images: -q, --no-trunc, a name, filters, json, templates", async () => {
  assert.equal(
    (await lighter(["images", "-q", "calculator"], store)).stdout,
    `${calculator.id.slice(7, 19)}\n`,
  );
  assert.equal(
    (await lighter(["images", "-q", "--no-trunc", "calculator:v1"], store)).stdout,
    `${calculator.id}\n`,
  );
  assert.equal((await lighter(["images", "-q", "calculator:v2"], store)).stdout, "");
  const json = (await lighter(["images", "--format", "json"], store)).stdout.trimEnd().split("\n");
  assert.equal(json.length, 4);
  const first: unknown = JSON.parse(json[0] ?? "");
  assert.deepEqual(first, {
    Containers: "N/A",
    CreatedAt: "2026-11-20 09:00:00 +0000 UTC",
    CreatedSince: "3 hours ago",
    Digest: calculator.target.digest,
    ID: calculator.id.slice(7, 19),
    Repository: "calculator",
    SharedSize: "N/A",
    Size: "1.23MB",
    Tag: "latest",
    UniqueSize: "N/A",
    VirtualSize: "1.23MB",
  });
  const names = async (...filters: readonly string[]): Promise<string> =>
    (
      await lighter(
        ["images", ...filters.flatMap((filter) => ["-f", filter]), "--format", "{{.Repository}}:{{.Tag}}"],
        store,
      )
    ).stdout;
  assert.equal(await names("reference=calc*:v1"), "calculator:v1\n");
  assert.equal(await names("reference=calculator", "dangling=true"), "");
  assert.equal(await names("dangling=true"), "<none>:<none>\n");
  assert.equal(await names("until=1000000h"), "");
  const refused = await lighter(["images", "-f", "size=1"], store);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /cannot filter by "size=1": want before=…, since=…/);
});

test("history: docker's table; a hostile history cannot steer the terminal", async () => {
  const engine = fakeEngine({
    images: {
      history: () => [
        {
          id: calculator.id,
          created: "2026-11-20T11:59:00Z",
          createdBy: 'ENTRYPOINT ["/calculator"]',
          sizeBytes: 0,
        },
        {
          createdBy: `COPY ${"x".repeat(60)}\u001b[2J`,
          sizeBytes: 1_234_567,
          comment: "buildkit.dockerfile.v0",
        },
      ],
    },
  });
  assert.equal(
    (await lighter(["history", "calculator"], engine)).stdout,
    `IMAGE          CREATED              CREATED BY                                      SIZE      COMMENT
${calculator.id.slice(7, 19)}   About a minute ago   ENTRYPOINT ["/calculator"]                      0B        
<missing>      N/A                  COPY ${"x".repeat(39)}…   1.23MB    buildkit.dockerfile.v0
`,
  );
  const full = (await lighter(["history", "--no-trunc", "--human=false", "calculator"], engine)).stdout;
  assert.match(full, /x{60}\?\[2J {3}1234567 {3}/);
});

test("inspect prints what it finds and fails for the rest", async () => {
  const absent = (code: Code) => () => Promise.reject(new LighterError(code, "cannot find it"));
  const engine = fakeEngine({
    containers: { get: absent("CONTAINER_NOT_FOUND") },
    networks: { get: absent("NETWORK_NOT_FOUND") },
    volumes: { get: absent("VOLUME_NOT_FOUND") },
    images: {
      get(text) {
        if (text === "calculator") return calculator;
        throw new LighterError("IMAGE_NOT_FOUND", `cannot find image "${text}"`);
      },
    },
  });
  const { status, stdout, stderr } = await lighter(["inspect", "missing", "calculator"], engine);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    'lighter: cannot find "missing": there is no container, image, network or volume of that name or ID\n',
  );
  const one = await lighter(["image", "inspect", "missing"], engine);
  assert.equal(one.stderr, 'lighter: cannot find image "missing"\n');
  const fact = await lighter(["inspect", "-f", "{{.Id}}", "calculator"], engine);
  assert.equal(fact.stdout, `${calculator.id}\n`);
  const objects = JSON.parse(stdout) as Record<string, unknown>[];
  assert.equal(objects.length, 1);
  assert.deepEqual(objects[0]?.["RepoTags"], ["calculator:latest", "calculator:v1"]);
  assert.equal(objects[0]?.["Origin"], "built by lighter");
});

test("rmi tells docker's words, goes on after a failure, and -f forgives an absent image", async () => {
  const engine = fakeEngine({
    images: {
      async remove(text) {
        if (text === "gone") throw new LighterError("IMAGE_NOT_FOUND", 'cannot find image "gone"');
        return await Promise.resolve({
          untagged: ["docker.io/library/calculator:latest"],
          deleted: [calculator.id],
        });
      },
    },
  });
  const removed = `Untagged: calculator:latest\nDeleted: ${calculator.id}\n`;
  assert.deepEqual(await lighter(["rmi", "gone", "calculator"], engine), {
    status: 1,
    stdout: removed,
    stderr: 'lighter: cannot find image "gone"\n',
  });
  assert.deepEqual(await lighter(["rmi", "-f", "gone", "calculator"], engine), {
    status: 0,
    stdout: removed,
    stderr: 'lighter: cannot find image "gone"\n',
  });
});

test("save refuses a terminal and writes docker's form by default", async () => {
  const asked: unknown[] = [];
  const engine = fakeEngine({
    images: {
      async *save(names, options) {
        asked.push(names, options);
        yield Buffer.from("tar");
      },
    },
  });
  const refused = await lighter(["save", "calculator"], engine, { isTerminal: true });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /cannot save to a terminal/);
  assert.equal((await lighter(["save", "calculator"], engine)).stdout, "tar");
  await lighter(["save", "--format", "oci", "a", "b"], engine);
  assert.deepEqual(asked, [["calculator"], { format: "docker" }, ["a", "b"], { format: "oci" }]);
});

test("run hands docker's options to the engine", async () => {
  let asked: RunOptions | undefined;
  const engine = fakeEngine({
    run(options) {
      asked = options;
      return Promise.resolve(7);
    },
  });
  const line =
    "run --rm -i -e A=1 -e HOME -e ABSENT -p 127.0.0.1:8080:80/udp -p 90-91:80-81 --entrypoint= -u 1:2 -w /w " +
    "-h box --name n --network none --read-only -v /a:/b:ro --add-host a:1.2.3.4 image ls --rm";
  const { status } = await lighter(line.split(" "), engine, { env: { HOME: "/root" } });
  assert.equal(status, 7);
  const {
    signal: _,
    onSignals: _pass,
    onCreated: _told,
    onProgress: _shown,
    ...rest
  } = asked ?? { signal: undefined };
  assert.deepEqual(rest, {
    image: "image",
    args: ["ls", "--rm"],
    stdio: "inherit",
    remove: true,
    interactive: true,
    tty: false,
    readOnly: true,
    publishAll: false,
    env: ["A=1", "HOME=/root", "ABSENT"],
    ports: [
      { hostAddress: "127.0.0.1", hostPort: 8080, containerPort: 80, protocol: "udp" },
      { hostPort: 90, containerPort: 80, protocol: "tcp" },
      { hostPort: 91, containerPort: 81, protocol: "tcp" },
    ],
    volumes: ["/a:/b:ro"],
    extraHosts: ["a:1.2.3.4"],
    entrypoint: [],
    name: "n",
    hostname: "box",
    network: "none",
    user: "1:2",
    workdir: "/w",
  });
});

test("run refuses ports and variables that cannot be", async () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ["-p 80:80/icmp", /cannot publish port "80:80\/icmp": protocol "icmp" is not/],
    ["-p 70000", /cannot publish port "70000": "70000" is not between 1 and 65535/],
    ["-p 80-81:80-82", /the ranges differ in length \(2 and 3 ports\)/],
    ["-p a:b", /want \[IP:\]\[HOST:\]PORT/],
    ["-p 9-8", /the range "9-8" runs backwards/],
    ["-e =x", /cannot set variable "=x": the name is empty/],
    ["--network none --ip 1.2.3.4", /cannot use --ip on network "none"/],
    ["--network-alias db", /cannot use --network-alias on network "bridge"/],
    ["--mac-address x", /cannot use MAC address "x"/],
    ["--annotation =x", /cannot pass annotation "=x"/],
    ["--health-retries -1", /--health-retries is negative/],
    ["--log-opt max-file=0", /want a number from 1 on/],
    ["--log-driver none --log-opt max-size=1m", /driver none has none/],
    ["--env-file /absent", /cannot read env file "\/absent": no such file/],
  ];
  for (const [flags, text] of rows) {
    const { status, stderr } = await lighter(["run", ...flags.split(" "), "image"], fakeEngine());
    assert.equal(status, 125, flags);
    assert.match(stderr, text, flags);
  }
});

test("a terminal is refused where there is none to type at, and has docker's status", async () => {
  for (const words of [
    ["run", "-it", "image"],
    ["exec", "-it", "web", "sh"],
  ]) {
    const { status, stderr } = await lighter(words, fakeEngine());
    assert.equal(status, 1);
    assert.match(stderr, /the input device is not a TTY; leave -t out/);
  }
});

test("build hands docker's options to the engine and shows a plain log", async () => {
  let asked: BuildOptions | undefined;
  const step = digestOf("step");
  const engine = fakeEngine({
    build(options) {
      asked = options;
      options.onEvent?.({ kind: "planned", steps: [{ id: step, name: "[1/1] RUN true", inputs: [] }] });
      options.onEvent?.({ kind: "started", step, timeMs: 1000 });
      options.onEvent?.({ kind: "finished", step, timeMs: 1200, cached: false });
      return Promise.resolve({ imageId: digestOf("i"), digest: digestOf("m"), names: [], metadata: {} });
    },
  });
  const line =
    "build -t a -t b:1 -f D --target t --build-arg X --build-arg Y=2 --label l --no-cache --jobs 3 ctx";
  const outcome = await lighter(line.split(" "), engine, { env: { X: "1" } });
  assert.equal(outcome.status, 0);
  assert.equal(outcome.stderr, "#1 [1/1] RUN true\n#1 DONE 0.2s\n\n");
  const { signal: _signal, onEvent: _onEvent, ...rest } = asked ?? {};
  assert.deepEqual(rest, {
    context: "ctx",
    tags: ["a", "b:1"],
    file: "D",
    target: "t",
    buildArgs: { X: "1", Y: "2" },
    labels: { l: "" },
    noCache: true,
    extraHosts: [],
    jobs: 3,
  });
  assert.equal((await lighter(["build", "-q", "."], engine)).stdout, `${digestOf("i")}\n`);
  const env = { BUILDKIT_PROGRESS: "", DOCKER_DEFAULT_PLATFORM: "linux/arm64" };
  assert.equal((await lighter(["build", "."], engine, { env })).status, 0);
  assert.equal(asked?.platform, "linux/arm64");
  const needless = "build --security-opt x --isolation default --builder default .";
  const { status, stderr } = await lighter(needless.split(" "), engine);
  assert.equal(status, 0, stderr);
  assert.match(
    stderr,
    /^lighter: warning: --isolation changes nothing.*\n.*warning: --security-opt changes nothing/,
  );
  assert.match((await lighter(["build", "--builder", "x", "."], engine)).stderr, /no builder "x" found/);
  await lighter("build -m 1g -c 5 --resource memory=2g --resource cpu-quota=9 .".split(" "), engine);
  assert.deepEqual(asked?.limits, { cpuQuota: 9, cpuShares: 5, memoryBytes: 2 ** 31 });
  const unknown = await lighter("build --resource disk=1g .".split(" "), engine);
  assert.match(unknown.stderr, /cannot limit "disk=1g": want NAME=VALUE with one of cpuset-cpus/);
  const words =
    "build -f - --secret id=a --ssh default --allow device --network n --shm-size 1m --ulimit nofile=1 --cgroup-parent /x";
  await lighter(
    [
      ...words.split(" "),
      ..."--no-cache-filter a,b --pull --platform p --platform q --build-context n=d .".split(" "),
    ],
    engine,
  );
  const { signal: _, onEvent: _told, stdin, ...given } = asked ?? {};
  assert.equal(typeof stdin, "object");
  assert.deepEqual(given, {
    context: ".",
    tags: [],
    buildArgs: {},
    labels: {},
    noCache: false,
    extraHosts: [],
    file: "-",
    secrets: ["id=a"],
    ssh: ["default"],
    allow: ["device"],
    network: "n",
    shmSizeBytes: 1 << 20,
    ulimits: ["nofile=1"],
    cgroupParent: "/x",
    noCacheFilter: ["a,b"],
    pull: true,
    platform: "p,q",
    contexts: { n: "d" },
  });
});

test("completion scripts name every command and flag", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { status, stdout } = await lighter(["completion", shell], fakeEngine());
    assert.equal(status, 0);
    for (const word of ["build", "no-cache", "history", "completion", "image"])
      assert.ok(stdout.includes(word), word);
  }
  assert.match((await lighter(["completion", "csh"], fakeEngine())).stderr, /cannot complete for "csh"/);
});

test("bash completes the names of what is there", async () => {
  const { stdout: script } = await lighter(["completion", "bash"], fakeEngine());
  const store = `lighter() {
  case "$1" in
    network) echo front ;;
    ps) echo web ;;
    volume) echo data ;;
    images) printf '%s\\n' app:latest '<none>:<none>' tool:2 ;;
  esac
}
answer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lighter; echo "\${COMPREPLY[*]}"; }
`;
  const lines = [
    ["run ''", "app tool:2"],
    ["run --network ''", "front"],
    ["run --network = fr", "front"],
    ["run --network =", "front"],
    ["run --restart ''", ""],
    ["run --pull n", "never"],
    ["--root /x stop ''", "web"],
    ["network rm ''", "front"],
    ["network connect front ''", "front web"],
    ["volume rm ''", "data"],
    ["completion z", "zsh"],
  ];
  const calls = lines.map(([line]) => `answer lighter ${line}`).join("\n");
  const told = spawnSync("bash", ["--norc"], { input: `${script}\n${store}${calls}\n`, encoding: "utf8" });
  assert.equal(told.stderr, "");
  assert.deepEqual(
    told.stdout.trimEnd().split("\n"),
    lines.map(([, answer]) => answer),
  );
});

test("what no registry has and a recipe makes is said to be so; what is no name is not looked for", async () => {
  const fake = fakeEngine({
    run: () => Promise.reject(new LighterError("IMAGE_NOT_FOUND", "it is not there")),
    images: { pull: () => Promise.reject(new LighterError("REGISTRY_UNREACHABLE", "cannot pull it")) },
  });
  const get: CliEngine["recipes"]["get"] = (name) =>
    name === "debian:12"
      ? Promise.resolve({} as Awaited<ReturnType<typeof get>>)
      : Promise.reject(new LighterError("RECIPE_NOT_FOUND", "no"));
  const engine: CliEngine = { ...fake, recipes: { ...fake.recipes, get } };
  const said = async (image: string) => (await lighter(["run", image], engine)).stderr;
  assert.match(
    await said("debian:12"),
    /cannot pull it; or assemble it .*: lighter recipe build debian:12\n$/,
  );
  assert.match(await said("rust:1"), /cannot pull it\n$/);
  assert.match(await said("Debian"), /^lighter: cannot use image name "Debian": [^\n]*\n$/);
});

test("info names the runtime that is there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-info-"));
  try {
    writeFileSync(join(folder, "crun"), "", { mode: 0o755 });
    const engine = fakeEngine({
      images: { list: () => [] },
      containers: { list: () => Promise.resolve([]) },
    });
    const { stdout, stderr } = await lighter(["info"], engine, { env: { PATH: folder } });
    assert.match(stdout, new RegExp(`^runtime: {5}${folder}/crun$`, "m"), stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("ps shows what runs, and with -a what ended", async () => {
  const record: ContainerRecord = {
    ...unusedSettings,
    id: "0123456789abcdef".repeat(4),
    name: "brisk_barge",
    image: { id: calculator.id, name: "calculator" },
    created: "2026-11-20T11:00:00Z",
    hostname: "0123456789ab",
    process: {
      args: ["/calculator", "6", "x", "\u001b[2J7"],
      entrypointLength: 1,
      env: [],
      cwd: "/",
      user: "",
    },
    network: {
      name: "bridge",
      ports: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      published: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      extraHosts: [],
    },
    state: { ...unusedState, status: "running", startedAt: "2026-11-20T11:59:00Z" },
  };
  const ended: ContainerRecord = {
    ...record,
    name: "calm_canoe",
    network: { name: "none", ports: [], extraHosts: [] },
    state: { ...unusedState, status: "exited", exitCode: 3, finishedAt: "2026-11-20T11:58:00Z" },
  };
  const engine = fakeEngine({
    containers: { list: () => Promise.resolve([record, ended]) },
    images: { find: () => calculator },
  });
  assert.equal(
    (await lighter(["ps", "-a"], engine)).stdout,
    `CONTAINER ID   IMAGE        COMMAND                     CREATED             STATUS                     PORTS                  NAMES
0123456789ab   calculator   "/calculator 6 x \\x1b[2…"   About an hour ago   Up About a minute          0.0.0.0:8080->80/tcp   brisk_barge
0123456789ab   calculator   "/calculator 6 x \\x1b[2…"   About an hour ago   Exited (3) 2 minutes ago                          calm_canoe
`,
  );
  assert.equal((await lighter(["ps", "-q"], engine)).stdout, "0123456789ab\n");
});

test("rm removes by name and forgives an absent one only with -f", async () => {
  const asked: unknown[] = [];
  const engine = fakeEngine({
    containers: {
      sweep: () => Promise.resolve(),
      remove(text, options) {
        asked.push([text, options]);
        throw new LighterError("CONTAINER_NOT_FOUND", `cannot find container "${text}"`);
      },
    },
  });
  assert.equal((await lighter(["rm", "gone"], engine)).status, 1);
  assert.equal((await lighter(["rm", "-f", "gone"], engine)).status, 0);
  assert.deepEqual(asked, [
    ["gone", { force: false }],
    ["gone", { force: true }],
  ]);
});

test("system prune and check", async () => {
  const nothing = {
    containers: {
      list: () => Promise.resolve([]),
      prune: () => Promise.resolve([]),
      repair: () => Promise.resolve(['the name "x", which no container had, was freed']),
    },
    networks: { prune: () => Promise.resolve([]) },
    buildCache: {
      prune: () => Promise.resolve({ removed: [], freedBytes: 0 }),
    } as unknown as CliEngine["buildCache"],
  };
  const engine = fakeEngine({
    ...nothing,
    images: {
      list: () => [],
      collect: () => Promise.resolve({ freedBytes: 1_500_000, snapshots: 2 }),
      check: () => Promise.resolve([{ image: "calculator", message: "blob sha256:1 is missing" }]),
    },
  });
  assert.equal((await lighter(["system", "prune", "-f"], engine)).stdout, "Total reclaimed space: 1.5MB\n");
  assert.deepEqual(await lighter(["system", "check"], engine), {
    status: 1,
    stdout:
      'Repaired: the name "x", which no container had, was freed.\ncalculator: blob sha256:1 is missing\n',
    stderr: "",
  });
  const busy = fakeEngine({
    ...nothing,
    images: { list: () => [], collect: () => Promise.resolve(undefined) },
  });
  assert.equal((await lighter(["system", "prune", "-f"], busy)).status, 1);
  const unanswered = await lighter(["system", "prune"], engine);
  assert.equal(unanswered.status, 0);
  assert.match(unanswered.stdout, /\[y\/N\] $/, "nothing was removed");
});
