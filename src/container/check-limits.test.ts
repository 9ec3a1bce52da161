import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLimits, checkNameServers, checkSysctls } from "./check-limits.ts";
import type { Limits } from "./container-record.ts";

const two = () => new Set([0, 1]);
const m = 2 ** 20;

test("limits that docker refuses before the start", () => {
  const cases: [Limits, RegExp | undefined][] = [
    [{}, undefined],
    [{ memoryBytes: 6 * m }, undefined],
    [{ memoryBytes: 5 * m }, /less than 6m/],
    [{ memoryBytes: 100 * m, memorySwapBytes: 100 * m }, undefined],
    [{ memoryBytes: 100 * m, memorySwapBytes: -1 }, undefined],
    [{ memoryBytes: 100 * m, memorySwapBytes: 50 * m }, /memory alone/],
    [{ memorySwapBytes: 50 * m }, /give --memory/],
    [{ nanoCpus: 2e9 }, undefined],
    [{ nanoCpus: 2.01e9 }, /this host has 2/],
    [{ memoryBytes: 32 * m, memoryReservationBytes: 64 * m }, /more than the reservation/],
    [{ memorySwappiness: 101 }, /want 0 to 100/],
    [{ nanoCpus: 1e9, cpuQuota: 1000 }, /--cpus stands for a quota/],
    [{ cpuShares: -1 }, /want a positive number/],
    [{ cpusetCpus: "0-1" }, undefined],
    [{ cpusetCpus: "1" }, undefined],
    [{ cpusetCpus: "1,99" }, /no processor 99/],
    [{ cpusetCpus: "1-0" }, /want a list/],
    [{ cpusetCpus: "a" }, /want a list/],
  ];
  for (const [limits, want] of cases) {
    const check = () => checkLimits(limits, two);
    if (want === undefined) check();
    else assert.throws(check, { code: "CONTAINER_INVALID", message: want }, JSON.stringify(limits));
  }
  assert.throws(() => checkLimits({ cpusetCpus: "9999" }), { message: /no processor 9999/ });
});

test("settings of the kernel that a container has for itself", () => {
  const own = { network: false, ipc: false };
  for (const name of ["net.core.somaxconn", "kernel.shmmax", "kernel.sem", "fs.mqueue.msg_max"])
    checkSysctls({ [name]: "1" }, own);
  for (const name of [
    "kernel.hostname",
    "kernel.domainname",
    "kernel.core_pattern",
    "vm.swappiness",
    "fs.file-max",
    "net",
  ])
    assert.throws(() => checkSysctls({ [name]: "1" }, own), { message: /belongs to the whole host/ }, name);
  assert.throws(() => checkSysctls({ "net.core.somaxconn": "1" }, { ...own, network: true }), {
    message: /shares/,
  });
  assert.throws(() => checkSysctls({ "kernel.sem": "1" }, { ...own, ipc: true }), { message: /shares/ });
});

test("name servers are addresses", () => {
  checkNameServers(["9.9.9.9", "::1", "fe80::1%eth0", "2001:db8::53"]);
  for (const text of ["bad", "", "1.2.3", "256.1.1.1", "1.2.3.4:53", "::g", ":", "dns.example"])
    assert.throws(
      () => checkNameServers([text]),
      { code: "CONTAINER_INVALID", message: /no IP address/ },
      text,
    );
});
