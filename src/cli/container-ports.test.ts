import assert from "node:assert/strict";
import { test } from "node:test";
import { portsText } from "./container-ports.ts";

// Groups stand in the order of their first port, what has another number outside behind them.
test("ports stand as in docker's column", () => {
  const tcp = (containerPort: number, hostPort?: number, hostAddress?: string) => ({
    containerPort,
    protocol: "tcp" as const,
    ...(hostPort !== undefined && { hostPort }),
    ...(hostAddress !== undefined && { hostAddress }),
  });
  const ports = [
    tcp(9001, 9001),
    tcp(9000, 9000),
    tcp(80, 8001),
    tcp(81, 81, "127.0.0.1"),
    tcp(9002, 9002),
    tcp(90, 90, "::1"),
  ];
  assert.equal(
    portsText(ports),
    "127.0.0.1:81->81/tcp, [::1]:90->90/tcp, 0.0.0.0:9000-9002->9000-9002/tcp, 0.0.0.0:8001->80/tcp",
  );
  assert.equal(portsText([tcp(7), tcp(5), tcp(6), tcp(9)]), "5-7/tcp, 9/tcp");
});
