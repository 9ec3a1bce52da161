import assert from "node:assert/strict";
import { test } from "node:test";
import { printObjects } from "./print-objects.ts";
import { printRows } from "./print-rows.ts";

const container = {
  Id: "abc",
  Name: "/web",
  State: { Status: "running" },
  Args: ["a"],
  Config: { Entrypoint: null, Cmd: ["sh"], Labels: { a: "1" }, Volumes: null },
  HostConfig: {
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
  },
  NetworkSettings: { Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] }, Networks: null },
};

const print = (template: string): string => printObjects([container], template);

// The right sides are what docker 28 prints.
const printed: readonly (readonly [string, string])[] = [
  ["{{.Config.Entrypoint}} {{json .Config.Entrypoint}}", "[] null"],
  ["{{.Config.Volumes}} {{json .Config.Volumes}}", "map[] null"],
  ["{{.State.Health}} {{json .State.Health}}", "<nil> null"],
  ["{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none"],
  ['{{.Config.Labels.b}}|{{index .Config.Labels "b"}}|{{index .Config.Labels "a"}}', "<no value>||1"],
  ["{{.HostConfig.RestartPolicy}}", "{no 0}"],
  ["{{.HostConfig.LogConfig}}", "{json-file map[max-size:1m]}"],
  ["{{.HostConfig.LogConfig.Config.other}}", "<no value>"],
  ["{{.NetworkSettings.Ports}}", "map[80/tcp:[{0.0.0.0 8080}]]"],
  ['{{index .NetworkSettings.Ports "81/tcp"}}', "[]"],
  ["{{len .HostConfig.CapAdd}}", "0"],
  ["{{.NetworkSettings.Networks.bridge.IPAddress}}", "<no value>"],
  // What names a field as the JSON does sees the JSON.
  ["{{.Id}} {{.State}} {{.Config.Entrypoint}}", "abc map[Status:running] <no value>"],
  ["{{.ID}} {{.State}} {{.Config.Entrypoint}}", "abc {running} []"],
];
for (const [template, expected] of printed)
  test(`an inspect of ${template}`, () => assert.equal(print(template), `${expected}\n`));

const refused: readonly (readonly [string, RegExp])[] = [
  [
    "{{.State.Health.Status}}",
    /executing "" at <\.State\.Health\.Status>: map has no entry for key "Health"/,
  ],
  ["{{.Id}} {{.Config.Labels.b}}", /executing "" at <\.Config\.Labels\.b>: map has no entry for key "b"/],
  ["{{.Nope}}", /executing "" at <\.Nope>: map has no entry for key "Nope"/],
  ["{{.State.Nope}}", /map has no entry for key "Nope"/],
  [
    '{{(index (index .NetworkSettings.Ports "81/tcp") 0).HostPort}}',
    /error calling index: index of untyped nil/,
  ],
  ["{{index .Args 5}}", /error calling index: index out of range: 5/],
];
for (const [template, expected] of refused)
  test(`an inspect that scripts count on to fail: ${template}`, () =>
    assert.throws(() => print(template), expected));

test("a field has the name of docker's program, too", () => {
  const object = { Id: "abc", HostConfig: { NanoCpus: 5 } };
  assert.equal(printObjects([object], "{{.ID}} {{.HostConfig.NanoCPUs}}"), "abc 5\n");
});

test("a row has its fields, methods with arguments, and no others", () => {
  const rows = [{ ID: "1", Label: (name: unknown) => `of ${String(name)}` }];
  const listing = { rows, columns: [["ID", "ID"]] as const };
  assert.equal(printRows(listing, '{{.ID}} {{.Label "a"}}'), "1 of a\n");
  assert.throws(() => printRows(listing, "{{.Nope}}"), /no entry for key "Nope"/);
});
