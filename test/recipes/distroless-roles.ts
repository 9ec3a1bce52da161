import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertBare, entriesOf, layersOf, mebibytes } from "./bareness.ts";
import type { Workshop } from "./workshop.ts";

/** Runs programs in an image of a role and compares what they print. */
type Proof = (workshop: Workshop, image: string, user: User) => Promise<void>;

interface User {
  readonly name: "root" | "nonroot";
  readonly uid: number;
}

const go: Proof = async (workshop, image, user) => {
  assert.equal(
    await workshop.run(image, [], "/app/probe-go", workshop.url),
    `[127.0.0.1] <nil>\nabsent: true\nuntrusted: true\nover TLS\ntrue <nil>\n2026-07-01T02:00:00+02:00 <nil>\n${user.name} <nil>\n`,
  );
};

const c: Proof = async (workshop, image, user) => {
  await go(workshop, image, user);
  const zone = ["-e", "TZ=Europe/Berlin"];
  // 443 is 0x01BB, of which the port's lower byte comes second in network order.
  assert.equal(await workshop.run(image, zone, "/app/probe-c"), `${user.name} 187 127 2\n`);
};

const ssl: Proof = async (workshop, image, user) => {
  await c(workshop, image, user);
  assert.equal(await workshop.run(image, [], "/app/probe-tls"), "1\n");
};

const cxx: Proof = async (workshop, image, user) => {
  await ssl(workshop, image, user);
  assert.equal(await workshop.run(image, [], "/app/probe-cc"), "thrown 45\n");
};

const python: Proof = async (workshop, image, user) => {
  const output = await workshop.run(image, [], "/usr/bin/python3", "/app/probe.py", workshop.url);
  assert.deepEqual(JSON.parse(output), {
    untrusted: "SSLCertVerificationError",
    trusted: "over TLS",
    broken: [],
    shell: false,
    sqlite: 42,
    zone: "2:00:00",
    ctypes: 7,
    anchors: true,
    encoding: "utf-8",
    user: user.uid,
  });
};

const java: Proof = async (workshop, image) => {
  const output = await workshop.run(image, [], "/usr/bin/java", "-cp", "/app", "Probe", workshop.url);
  assert.equal(output, "untrusted\nover TLS\ntrue\nUTF-8 Grüße +02:00\nno shell\n");
};

/** The plain tier draws, too. */
const wholeJava: Proof = async (workshop, image, user) => {
  await java(workshop, image, user);
  if (image.includes("slim")) return;
  assert.equal(await workshop.run(image, [], "/usr/bin/java", "-cp", "/app", "Drawing"), "true true true\n");
};

const node: Proof = async (workshop, image) => {
  const output = await workshop.run(image, [], "/usr/bin/node", "/app/probe.mjs", workshop.url);
  assert.equal(
    output,
    `DEPTH_ZERO_SELF_SIGNED_CERT
over TLS
true function 1.1.1970, 09:00:00
中中中中中中中ааαä Französisch フランス語 френски xn--bcher-kva.test
azäö 世界 です כ״ג בטבת תש״ל true
42 fetched assert.ok(process.argv.length > 99) true
ENOENT
`,
  );
};

const proofs: Readonly<Record<string, Proof>> = {
  "static-debian12": go,
  "static-debian13": go,
  "base-nossl-debian12": c,
  "base-nossl-debian13": c,
  "base-debian12": ssl,
  "base-debian13": ssl,
  "cc-debian12": cxx,
  "cc-debian13": cxx,
  "python3-debian12": python,
  "python3-debian13": python,
  java17: wholeJava,
  java21: wholeJava,
  nodejs18: node,
  nodejs20: node,
};

/** What each tier keeps to, in MiB: the plain one to what the packages of Google's list weigh. Debian's grow now and then. */
const limits: Readonly<Record<string, { readonly plain?: number; readonly slim?: number }>> = {
  "static-debian12": { plain: 1.995, slim: 1.3 },
  "static-debian13": { plain: 2.245 },
  "base-nossl-debian12": { plain: 14.225 },
  "base-nossl-debian13": { plain: 14.675 },
  "base-debian12": { plain: 19.875, slim: 11.5 },
  "base-debian13": { plain: 23.285 },
  "cc-debian12": { plain: 22.565, slim: 14 },
  "cc-debian13": { plain: 26.415 },
  "python3-debian12": { plain: 52.005, slim: 41 },
  "python3-debian13": { plain: 56.91, slim: 41 },
  java17: { plain: 215.71, slim: 172.32 },
  nodejs18: { slim: 91 },
  nodejs20: { plain: 120.87, slim: 91 },
};
const growth = 1.005;

/** Root and nonroot of a tier share their layers: it is enough to run one of them. */
const tiers = [
  { tier: "plain", root: "latest", nonroot: "nonroot", user: { name: "root", uid: 0 } },
  { tier: "slim", root: "slim", nonroot: "slim-nonroot", user: { name: "nonroot", uid: 65_532 } },
] as const;

/** Each role: its programs run in every variant, and no variant holds what it must not. */
export function testDistrolessRoles(open: () => Workshop): void {
  for (const [role, proof] of Object.entries(proofs))
    test(`distroless/${role}: programs run in it, and nothing else is there`, {
      timeout: 900_000,
    }, async () => {
      const workshop = open();
      for (const { tier, root, nonroot, user } of tiers) {
        const digests = {
          root: await assemble(workshop, `distroless/${role}:${root}`),
          nonroot: await assemble(workshop, `distroless/${role}:${nonroot}`),
        };
        assert.deepEqual(layersOf(workshop.root, digests.nonroot), layersOf(workshop.root, digests.root));
        const image = `distroless/${role}:${{ root, nonroot }[user.name]}`;
        await proof(workshop, image, user);
        const entries = entriesOf(workshop.root, digests[user.name]);
        assertBare(entries, image);
        const [size, limit] = [mebibytes(entries), limits[role]?.[tier]];
        assert.ok(limit === undefined || size <= limit * growth, `${image} has ${size} MiB`);
      }
    });

  for (const image of ["distroless/nginx-debian12", "distroless/nginx-debian13"])
    test(`${image} serves, and nothing else is there`, { timeout: 900_000 }, async () => {
      const workshop = open();
      const entries = entriesOf(workshop.root, await assemble(workshop, image));
      assertBare(entries, image);
      const site = workshop.folder(image);
      writeFileSync(join(site, "index.html"), "served\n");
      await workshop.serve(image, "served\n", ["-v", `${site}:/usr/share/nginx/html:ro`]);
      if (image.endsWith("12")) assert.ok(mebibytes(entries) <= 13.5);
    });

  test("a Java of some modules: the same program runs in it, and it keeps to its size", {
    timeout: 900_000,
  }, async () => {
    const workshop = open();
    const hello = readFileSync("examples/java-maven/java.yaml", "utf8");
    const path = join(workshop.folder("jlink"), "java.yaml");
    writeFileSync(path, hello);
    const small = entriesOf(workshop.root, await assemble(workshop, path));
    assertBare(small, "java.base");
    assert.ok(mebibytes(small) <= 36, `${mebibytes(small)} MiB`);
    writeFileSync(
      path,
      hello.replace("[java.base]", "[java.desktop, java.net.http, java.sql, jdk.crypto.ec]"),
    );
    const web = entriesOf(workshop.root, await assemble(workshop, path));
    assert.ok(mebibytes(web) <= 55, `${mebibytes(web)} MiB`);
    await java(workshop, "java-base", { name: "nonroot", uid: 65_532 });
  });

  test("debug images have busybox's shell in its own directory, and else what the others have", {
    timeout: 900_000,
  }, async () => {
    const workshop = open();
    for (const role of ["static-debian12", "cc-debian13", "python3-debian12", "java17", "nodejs20"])
      for (const [tag, uid] of [
        ["debug", "0"],
        ["debug-nonroot", "65532"],
        ["slim-debug", "0"],
        ["slim-debug-nonroot", "65532"],
      ] as const) {
        const image = `distroless/${role}:${tag}`;
        assertBare(entriesOf(workshop.root, await assemble(workshop, image)), image, "busybox");
        // Both users share a layer.
        if (tag === "debug" || tag === "slim-debug-nonroot") continue;
        const script =
          "id -u; echo a b | awk '{ print $2 }'; wget 2>&1 | head -1 | cut -c1-7; ls -d /busybox";
        const output = await workshop.lighter("run", "--rm", image, "-c", script);
        assert.equal(output, `${uid}\nb\nBusyBox\n/busybox\n`, image);
      }
  });
}

async function assemble(workshop: Workshop, image: string): Promise<string> {
  const output = await workshop.lighter("recipe", "build", image);
  const digest = /sha256:[0-9a-f]{64}/.exec(output)?.[0];
  assert.ok(digest, output);
  return digest;
}
