import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { followSteps, readSteps } from "../support/console-page.ts";
import type { Workshop } from "./workshop.ts";

const examples = readdirSync("examples", { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join("examples", entry.name, "Dockerfile")))
  .map(({ name }) => name);

/** Follows the page of each example, and checks that all its Dockerfiles are without complaint. */
export function testExamples(open: () => Workshop): void {
  for (const name of examples)
    test(`examples/${name}: its page's commands do what it says`, { timeout: 900_000 }, () => {
      const workshop = open();
      const secret = npmSettings(workshop);
      const steps = readSteps(join("examples", name, "README.md")).map(({ command, output }) => ({
        command: command.replace(/^bin\/lighter build /, `$&${secret}`),
        output,
      }));
      followSteps(steps, { LIGHTER_ROOT: workshop.root });
    });

  test("every Dockerfile of the examples passes the build's own checks", async () => {
    const workshop = open();
    for (const name of examples) {
      const files = readdirSync(join("examples", name)).filter((file) => file.startsWith("Dockerfile"));
      assert.ok(files.includes("Dockerfile.traditional") && files.includes("Dockerfile.slim"), name);
      for (const file of files) {
        const context = join("examples", name);
        const output = await workshop.lighter("build", "--check", "-f", join(context, file), context);
        assert.match(output, /no warnings found/, file);
      }
    }
  });
}

/**
 * Behind a proxy with an authority of its own npm needs that in a build, too: a flag that gives npm the authorities which
 * the tests themselves were told of; elsewhere nothing.
 */
function npmSettings(workshop: Workshop): string {
  const authorities = process.env["NODE_EXTRA_CA_CERTS"] ?? process.env["SSL_CERT_FILE"];
  if (authorities === undefined || !existsSync(authorities)) return "";
  const certificates = readFileSync(authorities, "utf8").match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? [];
  const path = join(workshop.folder("npm"), "npmrc");
  writeFileSync(path, certificates.map((each) => `ca[]="${each.replaceAll("\n", "\\n")}"\n`).join(""));
  return `--secret id=npmrc,src=${path} `;
}
