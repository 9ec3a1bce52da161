import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { createNetworks } from "#network";
import { Lab, missing, request } from "./lab.ts";

const count = 40;
const port = { hostPort: 8080, containerPort: 80, protocol: "tcp" } as const;
const [, self = "", role, root = "", name = ""] = process.argv;

if (role === "starter") await start();
else
  test(`${count} processes at once: as many addresses, and the port for one`, {
    skip: missing() ?? false,
  }, async () => {
    await using lab = new Lab();
    await lab.networks().create({ name: "net", subnets: ["10.9.0.0/24"] });
    const starters = Array.from({ length: count }, (_, at) => new Starter(lab.made("store"), `c${at}`));
    try {
      const outcomes = await Promise.all(starters.map((one) => one.outcome));
      const addresses = outcomes.filter((words) => words.startsWith("10.9.0."));
      // Every second one wants the port.
      assert.deepEqual(
        outcomes.filter((words) => !addresses.includes(words)),
        Array.from({ length: count / 2 - 1 }, () => "PORT_IN_USE"),
      );
      assert.equal(new Set(addresses).size, count / 2 + 1);
    } finally {
      await Promise.all(starters.map((one) => one.end()));
    }
    await lab.networks().sweep();
    const left = lab.host.links.list().map((link) => link.name);
    assert.deepEqual(left.sort(), ["lo", "uplink"]);
  });

/** Joins, says the address or why not, and stays until its input ends. */
async function start(): Promise<void> {
  const wantsPort = Number(name.slice(1)) % 2 === 0;
  const networks = createNetworks({ root, host: createHost() });
  try {
    await using joined = await networks.attach(
      request(name, { network: "net", ...(wantsPort && { ports: [port] }) }),
    );
    console.log(joined.address);
    await new Promise((resolve) => process.stdin.on("end", resolve).resume());
  } catch (error) {
    if (!isLighterError(error)) throw error;
    console.log(error.code);
  }
}

class Starter {
  readonly outcome: Promise<string>;
  readonly #child;
  readonly #ended: Promise<void>;

  constructor(store: string, container: string) {
    const child = spawn(process.execPath, [self, "starter", store, container], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on("close", () => resolve()));
    const said = new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data).trim())),
    );
    this.outcome = Promise.race([said, this.#ended.then(() => "died")]);
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}
