import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isLighterError } from "#base";
import type { BuildEvent } from "#build";
import { leftovers } from "../support/leftovers.ts";
import { Lab, missing, outputOf } from "./lab.ts";

const skip = missing();
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

const runs: readonly {
  readonly name: string;
  readonly text: string;
  readonly output: string | RegExp;
  readonly files?: Readonly<Record<string, string>>;
}[] = [
  { name: "heredocs", text: "RUN <<EOF\necho a\necho $((1 + 1))\nEOF\n", output: "a\n2\n" },
  {
    name: "a script with its own interpreter",
    text: 'RUN <<EOF\n#!/bin/sh -e\necho "$0"\nEOF\n',
    output: /pipes\/EOF\n/,
  },
  { name: "arguments and environment", text: "ARG A=1\nENV B=2\nRUN echo $A$B\n", output: "12\n" },
  {
    name: "a user with groups",
    text: "USER user\nRUN id\n",
    output: "uid=1000(user) gid=1001(user) groups=50(staff),1001(user)\n",
  },
  {
    name: "root with a group needs no file of users",
    text: "FROM scratch\nCOPY --from=base /bin /bin\nUSER 5:root\nRUN busybox id -u\n",
    output: "5\n",
  },
  { name: "no network", text: "RUN --network=none ip -o link | wc -l\n", output: "1\n" },
  { name: "the host name", text: "RUN hostname\n", output: "buildkitsandbox\n" },
  {
    name: "a bind mount of the context",
    files: { "d/f": "F" },
    text: "RUN --mount=target=/m cat /m/d/f; touch /m/x 2>/dev/null || echo ro\n",
    output: "Fro\n",
  },
  {
    name: "a bind mount of a stage",
    text: "RUN --mount=from=base,source=/etc,target=/m head -c 4 /m/passwd\n",
    output: "root",
  },
  {
    name: "writes to a bind mount are thrown away",
    files: { f: "F" },
    text: "RUN --mount=target=/m,rw echo G > /m/f && cat /m/f\nRUN --mount=target=/m cat /m/f\n",
    output: "G\nF",
  },
  {
    name: "tmpfs",
    text: "RUN --mount=type=tmpfs,target=/t,size=1m grep -c ' /t tmpfs.*size=1024k' /proc/self/mounts\n",
    output: "1\n",
  },
  {
    name: "a secret as file and variable",
    text: "RUN --mount=type=secret,id=s,mode=0440,uid=3,env=S stat -c '%a %u' /run/secrets/s 2>/dev/null; echo $S\n",
    output: "word\n",
  },
  {
    name: "a secret file",
    text: "RUN --mount=type=secret,id=s stat -c '%a %u' /run/secrets/s && cat /run/secrets/s\n",
    output: "400 0\nword",
  },
];

for (const run of runs)
  test(`RUN: ${run.name}`, { skip }, async () => {
    const context = lab.directory(run.files ?? {});
    const text = `FROM busybox AS base\nFROM busybox\n${run.text}`;
    const request = { context, findSecret: (id: string) => (id === "s" ? Buffer.from("word") : undefined) };
    const cold = await lab.build(text, request);
    if (typeof run.output === "string") assert.equal(cold.output, run.output);
    else assert.match(cold.output, run.output);
    const warm = await lab.build(text, request);
    assert.deepEqual([warm.steps.ran, warm.image.id], [0, cold.image.id]);
  });

test("mount points leave no trace", { skip }, async () => {
  const { image } = await lab.build(
    "FROM busybox\nRUN --mount=type=cache,target=/a/b/c --mount=type=tmpfs,target=/root/x true\n",
  );
  const tree = await lab.tree(image);
  const base = await lab.tree(lab.images.get("busybox"));
  assert.deepEqual(
    [...tree.keys()].filter((path) => !base.has(path)),
    ["dev/", "proc/", "sys/"],
  );
  const snapshot = await lab.images.unpack(image);
  assert.deepEqual(readdirSync(lab.snapshots.layers(snapshot ?? ("" as never))[0] ?? "").sort(), [
    "dev",
    "proc",
    "sys",
  ]);
});

test("a cache mount is kept, and is fresh without the cache", { skip }, async () => {
  const text = (word: string): string =>
    `FROM busybox\nRUN --mount=type=cache,target=/c echo ${word} >> /c/log && cat /c/log\n`;
  assert.equal((await lab.build(text("one"))).output, "one\n");
  assert.equal((await lab.build(text("two"))).output, "one\ntwo\n");
  assert.equal((await lab.build(text("two"), { noCache: true })).output, "two\n");
});

test("mounts of one cache are one directory; no two steps wait for each other's", { skip }, async () => {
  const cache = (id: string, target: string, sharing: string): string =>
    `--mount=type=cache,id=order-${id},target=${target},sharing=${sharing}`;
  const text = `FROM busybox AS one
RUN ${cache("a", "/x", "locked")} ${cache("b", "/y", "locked")} touch /one
FROM busybox AS two
RUN ${cache("b", "/x", "locked")} ${cache("a", "/y", "locked")} touch /two
FROM busybox
RUN ${cache("c", "/x", "shared")} ${cache("c", "/y", "locked")} ${cache("c", "/z", "private")} touch /x/f && ls /y /z
COPY --from=one /one /
COPY --from=two /two /
`;
  const { output } = await lab.build(text, { signal: AbortSignal.timeout(600_000) });
  assert.equal(output, "/y:\nf\n\n/z:\nf\n");
});

test("--no-cache runs again what is known; the next build takes the new results", { skip }, async () => {
  const text =
    "FROM busybox AS a\nRUN date +%N > /a || head -c 9 /dev/urandom > /a\nFROM busybox\nCOPY --from=a /a /a\nRUN cat /a > /b\n";
  const first = await lab.build(text);
  const again = await lab.build(text, { noCache: true });
  assert.equal(again.steps.ran, 3);
  const third = await lab.build(text);
  assert.deepEqual([third.steps.ran, third.image.id], [0, again.image.id]);
  assert.notEqual(first.image.id, "");
});

test("a stage that runs again but gives the same files spares what copies them", { skip }, async () => {
  const text = (noise: string): string =>
    `FROM busybox AS a\nRUN echo ${noise} > /noise; echo same > /f\nFROM busybox\nCOPY --from=a /f /f\nRUN echo expensive >> /f\n`;
  const first = await lab.build(text("1"));
  const second = await lab.build(text("2"));
  assert.deepEqual([second.steps.ran, second.image.id], [1, first.image.id]);
});

test("stages that the target does not need never run; equal steps run once", { skip }, async () => {
  const { output, steps } = await lab.build(
    "FROM busybox AS no\nRUN echo never\nFROM busybox AS x\nRUN echo once\nFROM busybox AS y\nRUN echo once\nFROM scratch\nCOPY --from=x /etc/group /x\nCOPY --from=y /etc/group /y\n",
  );
  assert.equal(output, "once\n");
  assert.equal(steps.ran, 3);
});

test("a failing step: the words, the frame; the other steps are cancelled; nothing is left", {
  skip,
}, async () => {
  const events: BuildEvent[] = [];
  const text =
    "FROM busybox AS slow\nRUN sleep 1000\n\nFROM busybox\nRUN echo before; \\\n    exit 42\nCOPY --from=slow /etc/group /g\n";
  const startedMs = Date.now();
  await assert.rejects(lab.build(text, { onEvent: (event) => events.push(event) }), (error) => {
    assert(isLighterError(error, "RUN_FAILED"));
    assert.equal(
      error.message,
      'process "/bin/sh -c echo before;     exit 42" did not complete successfully: exit code: 42',
    );
    assert.match(String(error.details["frame"]), /> 5 \| RUN echo before; \\/);
    assert.equal(error.details["exitCode"], 42);
    return true;
  });
  assert(Date.now() - startedMs < 500_000);
  assert.equal(outputOf(events), "before\n");
  assert.deepEqual(
    events.flatMap(({ kind }) => (kind === "failed" || kind === "cancelled" ? [kind] : [])).sort(),
    ["cancelled", "failed"],
  );
  assert.deepEqual(leftovers(lab.root), []);
  assert.deepEqual(readdirSync(join(lab.root, "snapshots/active")), []);
});

test("a missing source names itself and its line", { skip }, async () => {
  await assert.rejects(lab.build("FROM busybox\nCOPY here gone /d/\n", { files: { here: "x" } }), (error) => {
    assert(isLighterError(error, "COPY_SOURCE_NOT_FOUND"));
    assert.match(error.message, /^"\/gone": not found/);
    assert.match(String(error.details["frame"]), /> 2 \| COPY here gone \/d\//);
    return true;
  });
});

test("a missing source says what would help", { skip }, async () => {
  const files = { "main.go": "x", "secret.txt": "s", ".dockerignore": "secret.*" };
  const message = async (source: string): Promise<string> =>
    await lab
      .build(`FROM scratch\nCOPY ${source} /\n`, { files })
      .then(String, (error: Error) => error.message);
  assert.equal(await message("mian.go"), '"/mian.go": not found; did you mean "/main.go"?');
  assert.equal(await message("secret.txt"), '"/secret.txt": not found; the ignore file leaves it out');
});

const mistakes: readonly (readonly [string, string, RegExp])[] = [
  ["FROM nosuch", "BASE_NOT_FOUND", /nosuch:latest: not found/],
  ["FROM busybox\nRUNN x", "DOCKERFILE_INVALID", /unknown instruction: RUNN/],
  ["FROM busybox\nCOPY --from=nosuchstage /x /y", "BASE_NOT_FOUND", /nosuchstage/],
  ["FROM busybox\nRUN --mount=type=secret,id=k,required true", "SECRET_NOT_FOUND", /secret k: not found/],
  ["FROM busybox\nRUN --network=host true", "ENTITLEMENT_MISSING", /network.host is not allowed/],
  ["FROM busybox\nUSER nobodyhere\nRUN true", "USER_NOT_FOUND", /nobodyhere/],
  ["FROM scratch\nCOPY --chown=nobodyhere Dockerfile /", "COPY_INVALID", /nobodyhere/],
  ["FROM scratch\nRUN true", "RUN_FAILED", /exit code: 127/],
  ["FROM scratch\nCOPY absent/* /", "COPY_SOURCE_NOT_FOUND", /"\/absent": not found/],
];
for (const [text, code, message] of mistakes)
  test(`mistake: ${JSON.stringify(text)}`, { skip }, async () => {
    await assert.rejects(lab.build(`${text}\n`, { files: { Dockerfile: "x" } }), { code, message });
  });

test("cancelling ends the step and leaves nothing", { skip }, async () => {
  const stop = new AbortController();
  const build = lab.build("FROM busybox\nRUN echo up; sleep 1000\n", {
    signal: stop.signal,
    onEvent: (event) => event.kind === "output" && stop.abort(),
  });
  await assert.rejects(build, { code: "CANCELLED" });
  assert.deepEqual(leftovers(lab.root), []);
  assert.deepEqual(readdirSync(join(lab.root, "snapshots/active")), []);
});

test("two builds at once run a step once", { skip }, async () => {
  const text = "FROM busybox\nRUN sleep 1; echo only >> /once\n";
  const both = await Promise.all([lab.build(text), lab.open() && lab.build(text)]);
  assert.equal(both[0].steps.ran + both[1].steps.ran, 1);
  assert.equal(both[0].image.id, both[1].image.id);
});

test("ADD from a server: asked again only whether it changed", { skip }, async () => {
  const hits: number[] = [];
  const server = createServer((request, response) => {
    const isKnown = request.headers["if-none-match"] === '"v1"';
    hits.push(isKnown ? 304 : 200);
    response.writeHead(isKnown ? 304 : 200, {
      etag: '"v1"',
      "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT",
    });
    response.end(isKnown ? "" : "remote");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  try {
    const url = `http://127.0.0.1:${address.port}/dir/file.txt`;
    const cold = await lab.build(`FROM scratch\nADD ${url} /\n`);
    const warm = await lab.build(`FROM scratch\nADD ${url} /\n`);
    assert.deepEqual([...(await lab.tree(cold.image))], [["file.txt", "600 0:0 remote"]]);
    assert.deepEqual([warm.image.id, hits], [cold.image.id, [200, 304]]);
    const wrong = `sha256:${"0".repeat(64)}`;
    await assert.rejects(lab.build(`FROM scratch\nADD --checksum=${wrong} ${url} /\n`), {
      code: "DIGEST_MISMATCH",
    });
  } finally {
    server.close();
  }
});

test("ADD of a git repository: a ref, a part of it, a commit that nobody is asked for", {
  skip: skip ?? whyNoGit(),
}, async () => {
  const repository = lab.directory({ "sub/tool.sh": "#!/bin/sh\n", readme: "R" });
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-C", repository, "-c", "user.name=n", "-c", "user.email=e", ...args], {
      encoding: "utf8",
    });
  git("init", "-q", "--initial-branch=main");
  execFileSync("chmod", ["775", join(repository, "sub/tool.sh")]);
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  git("update-server-info");
  const commit = git("rev-parse", "HEAD").trim();
  const server = createServer((request, response) => {
    const path = join(
      repository,
      ".git",
      decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname.replace("/r.git", "")),
    );
    const isFile = existsSync(path) && statSync(path).isFile();
    response.writeHead(isFile ? 200 : 404).end(isFile ? readFileSync(path) : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const url = `http://127.0.0.1:${address.port}/r.git`;
  try {
    const whole = await lab.build(`FROM scratch\nADD ${url}#main /r\n`);
    assert.deepEqual(
      [...(await lab.tree(whole.image))],
      [
        ["r/", "755 0:0"],
        ["r/readme", "644 0:0 R"],
        ["r/sub/", "755 0:0"],
        ["r/sub/tool.sh", "755 0:0 #!/bin/sh"],
      ],
    );
    const part = await lab.build(`FROM scratch\nADD ${url}#main:sub /r/\n`);
    assert.deepEqual([...(await lab.tree(part.image)).keys()], ["r/", "r/tool.sh"]);
    await assert.rejects(
      lab.build(`FROM scratch\nADD ${url}#nosuch /r\n`),
      /repository does not contain ref nosuch/,
    );
    await lab.build(`FROM scratch\nADD ${url}#${commit} /r\n`);
    server.close();
    server.closeAllConnections();
    const offline = await lab.build(`FROM scratch\nADD ${url}#${commit} /r\n`);
    assert.equal(offline.steps.ran, 0);
  } finally {
    server.close();
  }
});

function whyNoGit(): string | undefined {
  return existsSync("/usr/bin/git") ? undefined : "needs git";
}
