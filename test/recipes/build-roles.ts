import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Workshop } from "./workshop.ts";

/** A repository of two versions of one package, which comes and goes as a mirror would offer them. */
const localRepository = `
repository() {
  mkdir -p /p/DEBIAN /repository
  printf 'Package: probe\\nVersion: %s\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: probe\\n' "$1" >/p/DEBIAN/control
  printf '#!/bin/sh\\necho "$1 %s" >>/probe-log\\n' "$1" >/p/DEBIAN/postinst
  chmod 755 /p/DEBIAN/postinst
  dpkg-deb --root-owner-group -b /p /repository/probe.deb >/dev/null
  { dpkg-deb -f /repository/probe.deb; echo "Filename: ./probe.deb"; echo "Size: $(stat -c %s /repository/probe.deb)"
    echo "SHA256: $(sha256sum /repository/probe.deb | cut -d' ' -f1)"; } >/repository/Packages
  echo "deb [trusted=yes] file:/repository ./" >/etc/apt/sources.list.d/local.list
  apt-get -qq update
}
export DEBIAN_FRONTEND=noninteractive
`;

const debian = `${localRepository}
repository 1.0
apt-get -qq install -y --no-install-recommends ed probe >/dev/null 2>&1
echo 1p | ed -s /etc/debian_version | cut -d. -f1
repository 2.0
apt-get -qq upgrade -y >/dev/null 2>&1
dpkg-query -W probe
apt-get -qq purge -y ed probe >/dev/null 2>&1
test ! -e /usr/bin/ed && cat /probe-log
dpkg --audit; apt-get -qq check && echo clean`;

const upgraded = "probe\t2.0\nconfigure 1.0\nconfigure 2.0\nclean\n";

const wheel = `
import zipfile
with zipfile.ZipFile("/index/calc-1.0-py3-none-any.whl", "w") as archive:
    archive.writestr("calc.py", "def main():\\n    print(6 * 7)\\n")
    info = "calc-1.0.dist-info/"
    archive.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: calc\\nVersion: 1.0\\n")
    archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    archive.writestr(info + "entry_points.txt", "[console_scripts]\\ncalc = calc:main\\n")
    archive.writestr(info + "RECORD", "")
`;

const python = `
mkdir /index && cat >/wheel.py <<'PY'
${wheel}PY
python /wheel.py
pip install -q --no-index --find-links /index calc
calc
pip uninstall -q -y calc
python3 -m venv /venv
/venv/bin/pip install -q --no-index --find-links /index calc
/venv/bin/calc
python3 --version | cut -d. -f1,2`;

const node = `
mkdir /module && echo '{"name":"sum","version":"1.0.0","main":"sum.js","bin":"cli.js"}' >/module/package.json
echo 'module.exports = (a, b) => a + b' >/module/sum.js
printf '#!/usr/bin/env node\\nconsole.log("cli", require("./sum")(1, 2))\\n' >/module/cli.js
cd /module && npm pack --silent >/dev/null
cd /work && npm init -y >/dev/null && npm install --silent --offline /module/sum-1.0.0.tgz
node -p 'require("sum")(6, 7)'
npx --offline sum
npm ci --silent --offline && npm ls --parseable | wc -l
node -p 'process.version.split(".")[0]'`;

const java = (version: string) => `
cat >A.java <<'J'
public class A { public static void main(String[] a) { System.out.println("6*7=" + 6 * 7 + " " + Runtime.version().feature()); } }
J
javac A.java && jar cfe a.jar A A.class && java -jar a.jar
test "$(readlink -f "$JAVA_HOME/bin/java")" = "$(readlink -f "$(command -v java)")" && echo '${version}' home`;

const maven = `
mkdir -p src/main/java src/test/java
cat >pom.xml <<'X'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.lighter</groupId><artifactId>probe</artifactId><version>1.0</version>
  <properties><maven.compiler.release>17</maven.compiler.release></properties>
  <dependencies>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope></dependency>
  </dependencies>
</project>
X
echo 'public class A { static int product(int a, int b) { return a * b; } public static void main(String[] a) { System.out.println(product(6, 7)); } }' >src/main/java/A.java
echo 'import org.junit.*; public class ATest { @Test public void multiplies() { Assert.assertEquals(42, A.product(6, 7)); } }' >src/test/java/ATest.java
mvn -q -B -o -Dmaven.repo.local=/usr/share/maven-repo package >/log 2>&1 || { cat /log >&2; exit 1; }
java -cp target/probe-1.0.jar A
sed -n 's/.*Tests run: \\([0-9]*\\), Failures: 0.*/\\1 tested/p' target/surefire-reports/*.txt`;

const golang = `
mkdir -p calc && cat >calc/calc.go <<'G'
package calc

// Product multiplies.
func Product(a, b int) int { return a * b }
G
cat >calc/calc_test.go <<'G'
package calc

import "testing"

func TestProduct(t *testing.T) {
	if Product(6, 7) != 42 {
		t.Fatal("wrong")
	}
}
G
cat >main.go <<'G'
package main

// static int half(int a) { return a / 2; }
import "C"

import (
	"fmt"
	"probe/calc"
)

func main() { fmt.Println(C.half(C.int(calc.Product(6, 14)))) }
G
printf 'module probe\\n\\ngo 1.19\\n' >go.mod
go vet ./... && go test ./... | sed -n 's/^ok.*/tested/p'
go build -o /usr/local/bin/probe . && probe`;

const busybox = "awk 'BEGIN { print 6 * 7 }'; id -un; vi --help 2>&1 | head -1 | cut -d' ' -f1";

/** Image, script, and what the script prints. */
const roles: readonly (readonly [image: string, script: string, prints: string])[] = [
  ["debian:bookworm", debian, `12\n${upgraded}`],
  ["debian:bookworm-slim", debian, `12\n${upgraded}`],
  ["debian:trixie-slim", debian, `13\n${upgraded}`],
  ["recipe:ubuntu", debian, `13\n${upgraded}`],
  ["golang:1.19", golang, "tested\n42\n"],
  ["golang:1.24", golang, "tested\n42\n"],
  ["python:3.11-slim", python, "42\n42\nPython 3.11\n"],
  ["python:3.13", python, "42\n42\nPython 3.13\n"],
  ["python:3.13-slim", python, "42\n42\nPython 3.13\n"],
  ["node:18-slim", node, "13\ncli 3\n2\nv18\n"],
  ["node:20", node, "13\ncli 3\n2\nv20\n"],
  ["node:20-slim", node, "13\ncli 3\n2\nv20\n"],
  ["openjdk:17-jdk", java("17"), "6*7=42 17\n17 home\n"],
  ["openjdk:21-slim", java("21"), "6*7=42 21\n21 home\n"],
  ["eclipse-temurin:17", java("17"), "6*7=42 17\n17 home\n"],
  ["maven:3.8-openjdk-17-slim", maven, "42\n1 tested\n"],
  ["maven:3-eclipse-temurin-21", maven, "42\n1 tested\n"],
  ["busybox", busybox, "42\nroot\nBusyBox\n"],
  ["recipe:alpine:3.20", busybox, "42\nroot\nBusyBox\n"],
];

/** The images that Dockerfiles build on: their tools do their work in a RUN. */
export function testBuildRoles(open: () => Workshop): void {
  for (const [image, script, prints] of roles)
    test(`${image}: its tools work`, { timeout: 900_000 }, async () => {
      assert.equal(await open().script(image, script), prints);
    });

  test("a runtime without a compiler runs what a compiler's image made", { timeout: 900_000 }, async () => {
    const workshop = open();
    const context = workshop.folder("pairs");
    mkdirSync(context, { recursive: true });
    writeFileSync(
      join(context, "A.java"),
      'public class A { public static void main(String[] a) { System.out.println("ran " + Runtime.version().feature()); } }',
    );
    const dockerfile = (jdk: string, jre: string) =>
      `FROM ${jdk} AS b\nCOPY A.java .\nRUN javac A.java\nFROM ${jre}\nCOPY --from=b /A.class /\nCMD ["java", "-cp", "/", "A"]\n`;
    for (const [jdk, jre] of [
      ["openjdk:17", "openjdk:17-jre-slim"],
      ["eclipse-temurin:21", "eclipse-temurin:21-jre"],
    ] as const) {
      await workshop.lighterWithInput(dockerfile(jdk, jre), "build", "-q", "-t", "pair", "-f", "-", context);
      assert.equal(await workshop.lighter("run", "--rm", "pair"), `ran ${jre.includes("17") ? 17 : 21}\n`);
    }
    writeFileSync(join(context, "main.py"), "import html5lib_free as m\nprint(m.answer)\n");
    writeFileSync(join(context, "html5lib_free.py"), "answer = 42\n");
    // A virtual environment made in the slim image is the distroless one's, too: the interpreter has the same name in both.
    const venv =
      "FROM python:3.13-slim AS b\nRUN python3 -m venv --without-pip /venv\nCOPY html5lib_free.py /venv/lib/python3.13/site-packages/\n" +
      'FROM distroless/python3-debian13:slim-nonroot\nCOPY --from=b /venv /venv\nCOPY main.py /\nENTRYPOINT ["/venv/bin/python", "/main.py"]\n';
    await workshop.lighterWithInput(venv, "build", "-q", "-t", "venv", "-f", "-", context);
    assert.equal(await workshop.lighter("run", "--rm", "venv"), "42\n");
  });

  test("nginx serves what is copied into it", { timeout: 900_000 }, async () => {
    const workshop = open();
    const context = workshop.folder("site");
    writeFileSync(join(context, "index.html"), "copied\n");
    for (const base of ["nginx", "nginx:1.22"]) {
      const dockerfile = `FROM ${base}\nCOPY index.html /usr/share/nginx/html/\n`;
      await workshop.lighterWithInput(dockerfile, "build", "-q", "-t", "site", "-f", "-", context);
      await workshop.serve("site", "copied\n");
    }
  });

  test("a version that Debian does not carry is not answered with another", async () => {
    for (const name of ["golang:1.20", "python:3.9", "node:16", "openjdk:8", "ubuntu:20.04"])
      assert.match(
        await open().refused("recipe", "build", name),
        /Debian does not carry that version; there are /,
        name,
      );
  });
}
