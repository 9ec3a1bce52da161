import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab, missing, request } from "./lab.ts";

const skip = missing() ?? false;

test("an endpoint is set up and taken down in 25 ms of our own time each", { skip }, async (t) => {
  await using lab = new Lab();
  const networks = lab.networks();
  await networks.create({ name: "net" });
  await using _first = await networks.attach(request("first", { network: "net" }));
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
  const rounds: { readonly up: number; readonly down: number }[] = [];
  for (let round = 0; round < 20; round += 1) {
    const start = process.cpuUsage();
    const one = await networks.attach(request(`c${round}`, { network: "net", ports }));
    const up = process.cpuUsage(start);
    const middle = process.cpuUsage();
    await one[Symbol.asyncDispose]();
    const down = process.cpuUsage(middle);
    rounds.push({ up: (up.user + up.system) / 1000, down: (down.user + down.system) / 1000 });
  }
  const median = (pick: (round: (typeof rounds)[number]) => number): number =>
    rounds.map(pick).sort((a, b) => a - b)[rounds.length / 2] ?? 0;
  const [up, down] = [median((one) => one.up), median((one) => one.down)];
  // On an idle machine of 2026 some 6 and 3; who shares a core's two threads has the half of it.
  t.diagnostic(`up ${up.toFixed(1)} ms, down ${down.toFixed(1)} ms of processor time`);
  assert.ok(up < 25 && down < 25, `up ${up}, down ${down}`);
});
