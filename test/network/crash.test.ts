import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createHost } from "#host";
import { createNetworks } from "#network";
import { Lab, missing, request } from "./lab.ts";

const port = { hostPort: 8080, containerPort: 80, protocol: "tcp" } as const;
const [, self = "", role, root = ""] = process.argv;

if (role === "owner") await holdAttachment();
else defineTests();

/** The process that dies: attaches and waits. */
async function holdAttachment(): Promise<void> {
  const networks = createNetworks({ root, host: createHost() });
  console.log("starting");
  await networks.attach(request("dead", { ports: [port] }));
  console.log("attached");
  await delay(600_000);
}

function defineTests(): void {
  const skip = missing() ?? false;

  test("what a killed process held is free for the next attachment", { skip }, async () => {
    await using lab = new Lab();
    const networks = lab.networks();
    const owner = startOwner(lab);
    await owner.says("attached");
    await assert.rejects(networks.attach(request("early", { ports: [port] })), { code: "PORT_IN_USE" });
    await owner.kill();
    await using next = await networks.attach(request("next", { ports: [port] }));
    lab.serve(next, "next", 80);
    assert.match(await lab.connect({}, "127.0.0.1", 8080), /^next /);
    const ours = lab.host.links.list().filter(({ name }) => name.startsWith("lv"));
    assert.equal(ours.length, 1);
  });

  test("a sweep leaves nothing of a process killed at any moment", { skip }, async () => {
    await using lab = new Lab();
    const networks = lab.networks();
    const before = leftovers(lab);
    for (let waitMs = 0; waitMs <= 36; waitMs += 3) {
      const owner = startOwner(lab);
      await owner.says("starting");
      await delay(waitMs);
      await owner.kill();
      await networks.sweep();
      // The namespace of a dead process goes in the background.
      for (const end = Date.now() + 60_000; leftovers(lab) !== before && Date.now() < end; ) await delay(10);
      assert.equal(leftovers(lab), before, `killed after ${waitMs} ms`);
    }
  });

  test("a bridge that got no alias, because its maker died, is swept", { skip }, async () => {
    await using lab = new Lab();
    const before = leftovers(lab);
    const { links } = lab.host;
    const host = {
      ...lab.host,
      links: {
        ...links,
        createBridge: (name: string, { mtu, mac }: Parameters<typeof links.createBridge>[1]) => {
          links.createBridge(name, { ...(mtu && { mtu }), ...(mac && { mac }) });
          throw new Error("killed");
        },
      },
    };
    await assert.rejects(lab.networks("store", { host }).attach(request("dead")), /killed/);
    await lab.networks().sweep();
    assert.equal(leftovers(lab), before);
  });

  test("after a reboot the networks are there, and what the kernel lost is made anew", { skip }, async () => {
    await using lab = new Lab();
    const before = lab.networks();
    await before.create({ name: "net", subnets: ["10.9.0.0/24"] });
    await using lost = await before.attach(request("lost", { network: "net", ports: [port] }));
    const { link = "" } = before.get("net");
    const [table = ""] = /lighter_\w+/.exec(before.firewall()) ?? [];
    await lab.host.links.remove(link);
    lab.host.firewall.apply(`delete table inet ${table}\n`);
    lost.handOver();
    // Until it has closed what nobody inherited, the port is in use.
    await lost[Symbol.asyncDispose]();
    const probes = { ...lab.host.probes, bootId: () => "another boot" };
    const after = lab.networks("store", { host: { ...lab.host, probes } });
    assert.deepEqual(
      after.list().map(({ name, members }) => [name, members.length]),
      [
        ["bridge", 0],
        ["host", 0],
        ["none", 0],
        ["net", 0],
      ],
    );
    await after.sweep();
    await using next = await after.attach(request("next", { network: "net", ports: [port] }));
    assert.equal(next.address, "10.9.0.2");
    lab.serve(next, "next", 80);
    assert.match(await lab.connect({}, "127.0.0.1", 8080), /^next /);
  });

  test("a bridge that somebody removed comes back with the next attachment", { skip }, async () => {
    await using lab = new Lab();
    const networks = lab.networks();
    await networks.create({ name: "net" });
    await using _first = await networks.attach(request("first", { network: "net" }));
    await lab.host.links.remove(networks.get("net").link ?? "");
    await using next = await networks.attach(request("next", { network: "net", ports: [port] }));
    lab.serve(next, "next", 80);
    assert.match(await lab.connect({}, "127.0.0.1", 8080), /^next /);
  });

  test("the living are not swept", { skip }, async () => {
    await using lab = new Lab();
    const owner = startOwner(lab);
    await owner.says("attached");
    const before = leftovers(lab);
    await lab.networks().sweep();
    assert.equal(leftovers(lab), before);
    await owner.kill();
    await lab.networks().sweep();
  });
}

function startOwner(lab: Lab) {
  const child = spawn(process.execPath, [self, "owner", lab.made("store")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let heard = "";
  child.stdout.on("data", (chunk) => {
    heard += String(chunk);
  });
  return {
    says: async (word: string) => {
      while (!heard.includes(word))
        await Promise.race([once(child.stdout, "data"), exited.then(() => assert.fail("died"))]);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function leftovers(lab: Lab): string {
  const links = lab.host.links.list().map(({ name }) => name);
  return JSON.stringify([links, lab.host.firewall.list("tables")]);
}
