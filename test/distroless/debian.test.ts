import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openRecipeSource } from "#distroless";
import { parseReference } from "#oci";
import { Lab } from "./lab.ts";
import { whyNoArchive } from "./real-archive.ts";

// The real archive: what its packages need in order to work inside cannot be faked.
const skip = await whyNoArchive();

/** Assembles an image with the built-in recipes and the real keys, and returns its tree. */
async function assemble(lab: Lab, name: string): Promise<string> {
  const source = openRecipeSource({
    root: lab.root,
    host: lab.host,
    snapshots: lab.snapshots,
    images: lab.images,
    onWarning: (text) => lab.warnings.push(text),
  });
  const reference = parseReference(name);
  const recipe = source.find(reference, { os: "linux", architecture: "amd64" });
  assert.ok(recipe, name);
  return await lab.tree(await source.assemble(recipe, reference, { onProgress: () => {} }));
}

/** Runs a shell script inside, on an overlay that vanishes with it; the tree stays as it is. */
function inside(tree: string, script: string): { readonly status: number | null; readonly output: string } {
  const enter = `
set -e
work=$1/../work-of-test
mkdir "$work"
mount -t tmpfs none "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$1,upperdir=$work/upper,workdir=$work/work" none "$work/root"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
cp -L /etc/resolv.conf "$work/root/etc/resolv.conf"
exec chroot "$work/root" /usr/bin/env -i HOME=/root DEBIAN_FRONTEND=noninteractive GOPATH=/go \\
  PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$2"`;
  const { status, stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", enter, "enter", tree, script], {
    encoding: "utf8",
  });
  rmSync(join(tree, "../work-of-test"), { recursive: true });
  return { status, output: stdout + stderr };
}

function check(tree: string, script: string, expected?: string | RegExp): void {
  const { status, output } = inside(tree, script);
  assert.equal(status, 0, output);
  if (typeof expected === "string") assert.equal(output, expected);
  else if (expected !== undefined) assert.match(output, expected);
}

test("debian:bookworm works as a Debian", { skip, timeout: 900_000 }, async () => {
  await using lab = new Lab();
  const tree = await assemble(lab, "debian:bookworm");
  check(tree, "dpkg --audit", "");
  check(tree, "apt-get -qq check", "");
  check(tree, "dpkg --verify base-files libc6 passwd", "");
  check(tree, "cat /etc/os-release", /^PRETTY_NAME="Debian GNU\/Linux 12 \(bookworm\)"$/m);
  check(tree, "awk 'BEGIN { print 6 * 7 }'", "42\n");
  check(
    tree,
    "id -un && getent passwd _apt www-data | cut -d: -f1 && su -s /bin/sh nobody -c 'id -un'",
    "root\n_apt\nwww-data\nnobody\n",
  );
  check(
    tree,
    "ldconfig -p | head -1; rm /etc/ld.so.cache; ldconfig; ldconfig -p | head -1",
    /^(\d+ libs found).*\n\1/,
  );
  check(
    tree,
    "readlink /bin /lib /var/run /etc/localtime",
    "usr/bin\nusr/lib\n/run\n/usr/share/zoneinfo/Etc/UTC\n",
  );
  const install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends ed >/dev/null 2>&1";
  check(tree, `${install} && echo 1p | ed -s /etc/debian_version`, /^12\.\d+\n$/);
  check(
    tree,
    `${install} && apt-get -qq remove -y ed >/dev/null && test ! -e /usr/bin/ed && dpkg --audit`,
    "",
  );
  const slim = await assemble(lab, "debian:bookworm-slim");
  check(
    slim,
    "ls /usr/share/man /usr/share/doc/bash; dpkg --audit",
    "/usr/share/doc/bash:\ncopyright\n\n/usr/share/man:\n",
  );
  assert.deepEqual(lab.warnings, []);
});

const cgo = `package main

/*
static int product(int a, int b) { return a * b; }
*/
import "C"

import (
	"fmt"
	"net/http"
)

func main() { fmt.Println(C.product(6, 7), http.StatusText(http.StatusOK)) }
`;

test("golang:1.19 compiles, with C and without", { skip, timeout: 900_000 }, async () => {
  await using lab = new Lab();
  const tree = await assemble(lab, "golang:1.19");
  check(tree, "dpkg --audit; apt-get -qq check", "");
  check(
    tree,
    "command -v go && go version",
    /^\/usr\/local\/go\/bin\/go\ngo version go1\.19\.8 linux\/amd64\n$/,
  );
  check(tree, `cat > /tmp/c.go <<'END'\n${cgo}END\ncd /tmp && go build -o c c.go && ./c`, "42 OK\n");
  const plain = 'package main\n\nfunc main() { println("plain") }\n';
  check(
    tree,
    `printf '%s' '${plain}' > /tmp/p.go && cd /tmp && CGO_ENABLED=0 go build -o p p.go && ./p`,
    "plain\n",
  );
  check(
    tree,
    "git --version; make --version; pkg-config --version; g++ --version; cc --version",
    /g\+\+ \(Debian/,
  );
  check(
    tree,
    "openssl verify -CApath /etc/ssl/certs /usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt",
    /: OK\n$/,
  );
  const image = lab.images.get("golang:1.19");
  assert.deepEqual(image.config.config, {
    Env: [
      "PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "GOLANG_VERSION=1.19.8",
      "GOTOOLCHAIN=local",
      "GOPATH=/go",
    ],
    Cmd: ["bash"],
    WorkingDir: "/go",
  });
});
