// What `lighter lint --fix` makes of a Dockerfile builds, and what it builds does the same.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";

const skip = whyNoMachine();
let clone: Clone;

/**
 * Package managers and compilers as far as a Dockerfile can tell: they want what the real ones want, leave what those leave,
 * and a program that was built is busybox, which does what its name says.
 */
const tools: Readonly<Record<string, string>> = {
  "apt-get": `for word; do case $word in
update) mkdir -p /var/lib/apt/lists; echo index > /var/lib/apt/lists/index ;;
install) cat /var/lib/apt/lists/index > /dev/null || exit 100 ;;
-*) ;;
*) echo "$word" > /usr/bin/$word ;;
esac; done`,
  npm: `case $1 in
ci) cat package.json package-lock.json > /dev/null || exit 1
  mkdir -p node_modules $HOME/.npm; cat package-lock.json > node_modules/installed; echo downloads > $HOME/.npm/index
  if [ -n "$NPM_TOKEN" ] && [ -f .npmrc ]; then echo with a token > node_modules/private; fi ;;
cache) rm -rf $HOME/.npm ;;
run) cat src/main.js > built.js ;;
esac`,
  pip: `cache=yes; for word; do case $word in
--no-cache-dir) cache=no ;;
*.txt) cp $word /usr/bin/installed ;;
esac; done
if [ $cache = yes ]; then mkdir -p $HOME/.cache; echo downloads > $HOME/.cache/http; fi`,
  go: `case $1 in
mod) cat go.mod > /dev/null || exit 1; mkdir -p /go; echo modules > /go/mod ;;
build) cat main.go /go/mod > /dev/null || exit 1
  while [ "$1" != -o ]; do shift; done; mkdir -p $(dirname $2); cp /bin/busybox $2 ;;
esac`,
};

before(() => {
  if (skip !== false) return;
  clone = openClone();
  const context = join(clone.folder, "base");
  const programs = Object.entries(tools).map(([name, text]) => [`usr/bin/${name}`, `#!/bin/sh\n${text}\n`]);
  write(context, {
    Dockerfile: `FROM scratch
COPY --chmod=755 . /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN chmod 1777 /tmp
ENV PATH=/usr/bin:/bin HOME=/root
`,
    ".dockerignore": "Dockerfile\n",
    "tmp/.keep": "",
    "root/.keep": "",
    "bin/busybox": readFileSync("/bin/busybox"),
    ...Object.fromEntries(programs),
  });
  const names = ["debian:12", "node:22", "golang:1.24"].flatMap((name) => ["-t", name]);
  lighter(["build", "-q", "--network", "none", ...names, context]);
  const empty = join(clone.folder, "empty");
  write(empty, { Dockerfile: "FROM scratch\nCOPY tmp /tmp\n", "tmp/.keep": "" });
  lighter(["build", "-q", "-t", "gcr.io/distroless/static-debian12", empty]);
});
after(() => clone?.[Symbol.dispose]());

function lighter(args: readonly string[], cwd = clone.folder): string {
  const { status, stdout, stderr } = clone.run(args, { cwd, env: { TOKEN: "secret" } });
  assert.equal(status, 0, `lighter ${args.join(" ")}\n${stderr}`);
  return stdout;
}

function write(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
}

interface Case {
  /** The rules whose findings go. */
  readonly mended: readonly string[];
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Flags of the build before the mending. */
  readonly before?: readonly string[];
  /** Flags of the build after it. */
  readonly after?: readonly string[];
  /** What the mending takes out of the image, nothing else; without it the image is another one. */
  readonly gone?: readonly string[];
}

const node = { "package.json": "{}", "package-lock.json": "lock", "src/main.js": "main" };
const go = { "go.mod": "module x", "main.go": "package main" };

const cases: Readonly<Record<string, Case>> = {
  "downloads of apt-get": {
    mended: ["PackageCacheKept", "RunningAsRoot", "UnpinnedBase"],
    dockerfile: `FROM debian:12
RUN apt-get update && apt-get install -y one two
RUN <<EOF
apt-get update
apt-get install -y three
EOF
CMD ["cat", "/usr/bin/one", "/usr/bin/two", "/usr/bin/three"]
`,
    gone: ["var/lib/apt/lists/index"],
  },
  "sources before what they need": {
    mended: ["CopyBeforeInstall", "PackageCacheKept", "RunningAsRoot", "UnpinnedBase"],
    dockerfile: `FROM node:22
WORKDIR /app
COPY . .
RUN npm ci && npm run build
CMD ["cat", "node_modules/installed", "built.js"]
`,
    files: node,
    gone: ["root/.npm/", "root/.npm/index"],
  },
  "downloads of pip": {
    mended: ["PackageCacheKept", "RunningAsRoot", "UnpinnedBase"],
    dockerfile: `FROM debian:12
WORKDIR /app
COPY requirements.txt .
RUN pip install --upgrade pip && pip \\
    install -r requirements.txt
CMD ["cat", "/usr/bin/installed"]
`,
    files: { "requirements.txt": "flask" },
    gone: ["root/.cache/", "root/.cache/http"],
  },
  "a program in the image of its compiler": {
    mended: ["BuildToolsKept", "RunningAsRoot", "UnpinnedBase"],
    dockerfile: `FROM golang:1.24
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
ENV MODE=production
RUN CGO_ENABLED=0 go build -o /out/echo .
ENTRYPOINT ["/out/echo"]
CMD ["it", "runs"]
`,
    files: go,
  },
  "a system around one program": {
    mended: ["RunningAsRoot", "SmallerFinalBase", "UnpinnedBase"],
    dockerfile: `FROM golang:1.24 AS build
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /out/cat .
FROM debian:12
COPY --from=build /out/cat /usr/bin/cat
COPY main.go /share/
ENTRYPOINT ["/usr/bin/cat", "/share/main.go"]
`,
    files: go,
  },
  "a token and a file with a secret": {
    mended: ["SecretInLayer", "SecretsUsedInArgOrEnv", "UnpinnedBase"],
    dockerfile: `FROM node:22
ARG NPM_TOKEN
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci && test -n "$NPM_TOKEN" && rm -f .npmrc && npm cache clean --force
USER 1000
CMD ["cat", "node_modules/private"]
`,
    files: { ...node, ".npmrc": "secret" },
    before: ["--build-arg", "NPM_TOKEN=secret"],
    after: ["--secret", "id=NPM_TOKEN,env=TOKEN", "--secret", "id=npmrc,src=.npmrc"],
    gone: [],
  },
};

for (const [name, one] of Object.entries(cases))
  test(name, { skip }, () => {
    const context = join(clone.folder, name.replaceAll(/\W/g, "-"));
    write(context, { ...one.files, Dockerfile: one.dockerfile, ".dockerignore": "Dockerfile\n" });
    const rules = findRules(context);
    const earlier = build(context, one.before);
    lighter(["lint", "--fix", context]);
    const left = findRules(context);
    const text = readFileSync(join(context, "Dockerfile"), "utf8");
    assert.deepEqual(
      rules.filter((rule) => !left.includes(rule)),
      one.mended,
      text,
    );
    const later = build(context, one.after);
    assert.notEqual(later.says, "");
    assert.equal(later.says, earlier.says, text);
    const { gone } = one;
    if (gone === undefined) return;
    const isKept = (line: string): boolean => !gone.some((path) => line.endsWith(` ${path}`));
    assert.deepEqual(later.files, earlier.files.filter(isKept), text);
  });

function findRules(context: string): readonly string[] {
  const { stdout } = clone.run(["lint", "--format", "json", context]);
  const { warnings = [] } = JSON.parse(stdout) as {
    readonly warnings?: readonly { readonly ruleName: string }[];
  };
  return [...new Set(warnings.map(({ ruleName }) => ruleName))].sort();
}

interface Image {
  /** What it prints when it runs. */
  readonly says: string;
  /** Each with its mode, owner, size and time. */
  readonly files: readonly string[];
}

function build(context: string, flags: readonly string[] = []): Image {
  const outputs = ["-o", "type=docker,name=mended", "-o", "type=tar,dest=../files.tar"];
  lighter(["build", "-q", "--network", "none", ...flags, ...outputs, "."], context);
  const list = execFileSync("tar", ["-tvf", join(context, "../files.tar"), "--numeric-owner"], {
    encoding: "utf8",
  });
  return { says: lighter(["run", "--rm", "--network", "none", "mended"]), files: list.trim().split("\n") };
}
