import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openRecipeSource } from "#distroless";
import { familiarReference, parseReference } from "#oci";
import { Lab } from "./lab.ts";
import { whyNoArchive } from "./real-archive.ts";

const skip = await whyNoArchive();
/** One store for all tests: most packages are shared. */
let lab: Lab;
let work: string;
let server: Server;

const python = `
import ctypes, datetime, importlib, json, sqlite3, ssl, subprocess, sys, urllib.request, zoneinfo
context = ssl.create_default_context(cafile="/app/server.pem")
body = urllib.request.urlopen(sys.argv[1], context=context).read().decode()
absent = ("antigravity this idlelib turtle turtledemo tkinter test pydoc_data ensurepip lib2to3 "
          "msilib msvcrt nt winreg winsound").split()
broken = []
for name in sys.stdlib_module_names:
    if name in absent or name.startswith("_"): continue
    try: importlib.import_module(name)
    except Exception as error: broken.append(f"{name}: {error}")
try: subprocess.run("true", shell=True); shell = True
except FileNotFoundError: shell = False
print(json.dumps({
  "body": body, "broken": broken, "shell": shell,
  "sqlite": sqlite3.connect(":memory:").execute("select 6*7").fetchone()[0],
  "zone": str(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset()),
  "ctypes": ctypes.CDLL("libc.so.6").abs(-7),
  "anchors": len(ssl.create_default_context().get_ca_certs()) > 100,
  "encoding": sys.getfilesystemencoding(),
}))
`;

const java = `
import java.io.*; import java.net.*; import java.net.http.*; import java.nio.charset.*; import java.security.*;
import java.security.cert.*; import java.time.*; import javax.net.ssl.*;
public class Probe {
  public static void main(String[] args) throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("own", CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream("/app/server.pem")));
    TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    HttpClient client = HttpClient.newBuilder().sslContext(context).build();
    System.out.println(client.send(HttpRequest.newBuilder(URI.create(args[0])).build(), HttpResponse.BodyHandlers.ofString()).body());
    factory.init((KeyStore) null);
    System.out.println(((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers().length > 100);
    System.out.println(Charset.defaultCharset() + " " + ZonedDateTime.of(2026, 7, 1, 0, 0, 0, 0, ZoneId.of("Europe/Berlin")).getOffset());
    try { new ProcessBuilder("sh").start(); System.out.println("shell"); } catch (IOException expected) { System.out.println("no shell"); }
  }
}
`;

const node = `
const https = require("node:https"), fs = require("node:fs");
https.get(process.argv[2], { ca: fs.readFileSync("/app/server.pem") }, (response) => {
  response.on("data", (body) => console.log(String(body), typeof fetch, new Date(0).toLocaleString("de-DE", { timeZone: "Asia/Tokyo" })));
});
require("node:child_process").exec("true", (error) => console.log(error.code));
`;

const cxx = `
#include <netdb.h>
#include <stdio.h>
#include <string>
int main() {
  std::string text = "from";
  try { throw text; } catch (std::string& caught) { text = caught + " C++"; }
  struct servent* service = getservbyname("https", "tcp");
  printf("%s %d\\n", text.c_str(), service == nullptr ? 0 : (service->s_port >> 8) | ((service->s_port & 255) << 8));
}
`;

function writePrograms(folder: string): void {
  mkdirSync(join(folder, "app"));
  const write = (name: string, text: string) => writeFileSync(join(folder, "app", name), text);
  write("probe.py", python);
  write("Probe.java", java);
  write("probe.cjs", node);
  write("probe.cc", cxx);
  const run = (program: string, ...args: readonly string[]) => {
    const { status, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  };
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  run(
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    ...subject,
    "-keyout",
    "server.key",
    "-out",
    "server.pem",
  );
  writeFileSync(join(folder, "app", "server.pem"), readFileSync(join(folder, "server.pem")));
  if (spawnSync("c++", ["--version"]).status === 0) run("c++", "-o", "app/probe", "app/probe.cc");
}

async function assemble(name: string, architecture = "amd64") {
  const { root, host, snapshots, images } = lab;
  const source = openRecipeSource({ root, host, snapshots, images });
  const reference = parseReference(name);
  const recipe = source.find(reference, { os: "linux", architecture });
  assert.ok(recipe, name);
  const image = await source.assemble(recipe, reference, { onProgress: () => {} });
  assert.equal(image.names.length > 0 && familiarReference(reference) !== "", true);
  return { image, tree: await lab.tree(image) };
}

/** Runs a program of the tree itself, in its own mounts, with the programs of the tests in /app. */
async function inside(
  tree: string,
  command: readonly string[],
  env: readonly string[] = [],
): Promise<string> {
  const enter = `
set -e
tree=$1 work=$2; shift 2
mount -t tmpfs none "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" none "$work/root"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
cp -r "$APP" "$work/root/app"
chroot=$(command -v chroot)
exec env -i ${env.map((each) => `'${each}'`).join(" ")} "$chroot" "$work/root" "$@"`;
  const mountPoint = mkdtempSync(join(work, "m-"));
  const child = spawn("unshare", ["-m", "sh", "-c", enter, "enter", tree, mountPoint, ...command], {
    env: { ...process.env, APP: join(work, "app"), PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const status = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(status, 0, output);
  return output;
}

/** What must not be in any of them. */
function checkBare(tree: string): void {
  const faults: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(tree, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      const { mode, uid } = lstatSync(join(tree, path));
      if (
        /^(?:sh|bash|dash|busybox|apt|apt-get|dpkg|perl|npm|pip3?)$/.test(entry.name) &&
        !entry.isDirectory()
      )
        faults.push(path);
      if (entry.isFile() && (mode & 0o6000) !== 0) faults.push(`${path} is set-id`);
      if (!entry.isSymbolicLink() && (mode & 0o022) !== 0 && (mode & 0o1000) === 0)
        faults.push(`${path} is writable`);
      if (uid !== 0 && !path.startsWith("/home/nonroot")) faults.push(`${path} belongs to ${uid}`);
      if (entry.isDirectory()) visit(path);
    }
  };
  visit("");
  assert.deepEqual(faults, []);
}

const url = () => `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const mebibytes = (bytes: number) => bytes / (1 << 20);

/** Bytes of regular files, each once: what the tables of sizes count. */
function unpackedBytes(tree: string): number {
  const seen = new Set<number>();
  let total = 0;
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      if (!entry.isFile()) continue;
      const { ino, size } = lstatSync(path);
      if (!seen.has(ino)) total += size;
      seen.add(ino);
    }
  };
  visit(tree);
  return total;
}

before(async () => {
  if (skip !== false) return;
  lab = new Lab();
  work = mkdtempSync(join(tmpdir(), "lighter-distroless-"));
  writePrograms(work);
  const [key, cert] = ["server.key", "server.pem"].map((name) => readFileSync(join(work, name)));
  server = createServer({ key, cert }, (_, response) => response.end("over TLS"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(async () => {
  if (skip !== false) return;
  server.closeAllConnections();
  server.close();
  rmSync(work, { recursive: true });
  await lab[Symbol.asyncDispose]();
});

test("static: Google's accounts and files, and no program at all", { skip, timeout: 120_000 }, async () => {
  const { image, tree } = await assemble("gcr.io/distroless/static-debian12:nonroot");
  checkBare(tree);
  const read = (path: string) => readFileSync(join(tree, path), "utf8");
  assert.match(read("etc/passwd"), /^nonroot:x:65532:65532:nonroot:\/home\/nonroot:\/sbin\/nologin$/m);
  assert.match(read("usr/lib/os-release"), /^PRETTY_NAME="Distroless"$/m);
  assert.match(read("usr/lib/os-release"), /^VERSION_ID="12"$/m);
  assert.equal(read("etc/ssl/certs/ca-certificates.crt").match(/BEGIN CERTIFICATE/g)?.length, 148);
  assert.match(read("var/lib/dpkg/status.d/tzdata"), /^Package: tzdata$/m);
  assert.deepEqual(
    [lstatSync(join(tree, "home/nonroot")).uid, lstatSync(join(tree, "home/nonroot")).mode & 0o777],
    [65_532, 0o700],
  );
  assert.deepEqual([image.config.config?.User, image.config.config?.WorkingDir], ["65532", "/home/nonroot"]);
  const root = await assemble("distroless/static");
  assert.equal(root.image.config.config?.User, "0");
  assert.deepEqual(
    root.image.layers,
    image.layers,
    "they differ in how containers start, not in their layer",
  );
  assert.ok(mebibytes(unpackedBytes(tree)) < 2.05, "Google's has 1.99 MiB");
});

test("the slim tier keeps to its sizes", { skip, timeout: 240_000 }, async () => {
  const limits = { static: 1.3, base: 11.5, cc: 14, python3: 41 };
  for (const [name, limit] of Object.entries(limits)) {
    const { image, tree } = await assemble(`distroless/${name}:slim`);
    checkBare(tree);
    const size = mebibytes(unpackedBytes(tree));
    assert.ok(size <= limit, `${name}: ${size.toFixed(2)} MiB`);
    assert.match(image.config.config?.Labels?.["dev.lighter.without"] ?? "", /^docs locales charsets/);
  }
});

test("cc runs C++, with exceptions and name service", {
  skip: skip || (spawnSync("c++", ["--version"]).status !== 0 && "c++ is not installed"),
  timeout: 120_000,
}, async () => {
  for (const tag of ["latest", "slim"]) {
    const { tree } = await assemble(`distroless/cc:${tag}`);
    checkBare(tree);
    assert.equal(await inside(tree, ["/app/probe"]), "from C++ 443\n");
  }
});

test("debug has a shell that works, and only debug", { skip, timeout: 120_000 }, async () => {
  const { image, tree } = await assemble("distroless/static:debug-nonroot");
  assert.deepEqual(image.config.config?.Entrypoint, ["/busybox/sh"]);
  const script = "id -u; ls / | head -1; wget 2>&1 | head -1 | cut -c1-7; echo ok | grep -c ok";
  assert.equal(await inside(tree, ["/busybox/sh", "-c", script], ["PATH=/busybox"]), "0\napp\nBusyBox\n1\n");
  assert.ok(!existsSync(join(tree, "usr/bin/busybox")));
  assert.equal(readlinkSync(join(tree, "bin")), "usr/bin");
  const box = await assemble("busybox");
  assert.equal(
    await inside(box.tree, ["/bin/sh", "-c", "echo a b | awk '{ print $2 }'"], ["PATH=/bin"]),
    "b\n",
  );
});

test("python3: TLS, SQLite, ctypes, time zones, and every module imports", {
  skip,
  timeout: 180_000,
}, async () => {
  for (const name of ["distroless/python3", "distroless/python3:slim", "distroless/python3-debian13:slim"]) {
    const { tree, image } = await assemble(name);
    checkBare(tree);
    const env = (image.config.config?.Env ?? []).filter((each) => !each.startsWith("PATH="));
    const output = await inside(tree, ["/usr/bin/python3", "/app/probe.py", url()], env);
    assert.deepEqual(
      JSON.parse(output),
      {
        body: "over TLS",
        broken: [],
        shell: false,
        sqlite: 42,
        zone: "2:00:00",
        ctypes: 7,
        anchors: true,
        encoding: "utf-8",
      },
      name,
    );
  }
});

test("java17: TLS, authorities, charset, time zones", { skip, timeout: 240_000 }, async () => {
  const { tree, image } = await assemble("distroless/java17:slim");
  checkBare(tree);
  assert.match(image.config.config?.Env?.join(" ") ?? "", /JAVA_VERSION=17\.\d/);
  const env = (image.config.config?.Env ?? []).filter((each) => !each.startsWith("PATH="));
  const output = await inside(tree, ["/usr/bin/java", "/app/Probe.java", url()], env);
  assert.equal(output, "over TLS\ntrue\nUTF-8 +02:00\nno shell\n");
});

test("nodejs18: TLS, fetch, time zones", { skip, timeout: 240_000 }, async () => {
  const { tree } = await assemble("distroless/nodejs18:slim");
  checkBare(tree);
  const output = await inside(tree, ["/usr/bin/node", "/app/probe.cjs", url()]);
  assert.deepEqual(output.trim().split("\n").sort(), ["ENOENT", "over TLS function 1.1.1970, 09:00:00"]);
});

test("arm64 is assembled and every library proved", { skip, timeout: 120_000 }, async () => {
  const { image, tree } = await assemble("distroless/cc:slim", "arm64");
  assert.equal(image.config.architecture, "arm64");
  checkBare(tree);
  assert.equal(readFileSync(join(tree, "lib/ld-linux-aarch64.so.1")).readUInt16LE(18), 183);
});

test("a library that is missing is named, with the package that has it", {
  skip,
  timeout: 120_000,
}, async () => {
  const { root, host, snapshots, images } = lab;
  const path = join(work, "broken.yaml");
  writeFileSync(path, "name: broken\npackages: [libssl3, libcurl4]\nignore: [libnghttp2-14]\n");
  const source = openRecipeSource({ root, host, snapshots, images });
  const recipe = await source.read(path, { os: "linux", architecture: "amd64" });
  const before = lab.leftovers();
  await assert.rejects(source.assemble(recipe, parseReference("broken"), { onProgress: () => {} }), {
    code: "RECIPE_INVALID",
    message:
      /libcurl\.so\.4[^"]*" of package libcurl4 needs libnghttp2\.so\.14, which no package of the recipe has.*; add package libnghttp2-14$/,
  });
  assert.deepEqual(lab.leftovers(), before);
});

test("the same lock gives the same digest in another store", { skip, timeout: 120_000 }, async () => {
  const path = join(work, "api.yaml");
  writeFileSync(
    path,
    "name: api\nfrom: distroless/base:slim\npackages: [libpq5]\nusers: [{ name: api, uid: 1000, home: /srv/api }]\nuser: api\n",
  );
  const platform = { os: "linux", architecture: "amd64" };
  const digests: string[] = [];
  const locks: string[] = [];
  await using other = new Lab();
  for (const { root, host, snapshots, images } of [lab, other]) {
    const source = openRecipeSource({ root, host, snapshots, images });
    const recipe = await source.read(path, platform);
    const lock = await source.lock(recipe);
    locks.push(JSON.stringify(lock));
    const image = await source.assemble(recipe, parseReference("api"), { onProgress: () => {}, lock });
    digests.push(image.target.digest);
  }
  assert.equal(digests[0], digests[1]);
  assert.equal(locks[0], locks[1]);
});
