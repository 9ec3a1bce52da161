import assert from "node:assert/strict";
import { test } from "node:test";
import { printRows } from "./print-rows.ts";
import { compileTemplate } from "./template.ts";

const container = {
  Id: "abc",
  Name: "/web",
  State: { Pid: 42, Running: true, Status: "running" },
  Config: { Env: ["A=1", "B=2"], Labels: { z: "26", a: "1" } },
  NetworkSettings: {
    Networks: { bridge: { IPAddress: "172.17.0.2" }, "secure-network": { IPAddress: "10.0.0.5" } },
    Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "81/tcp": null },
  },
  Mounts: [],
};

test("templates print what docker prints", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["{{.State.Pid}}", "42"],
    ["{{ .Name }}!", "/web!"],
    ["{{json .State}}", '{"Pid":42,"Running":true,"Status":"running"}'],
    ["{{.State | json}}", '{"Pid":42,"Running":true,"Status":"running"}'],
    ["{{json .Absent}}", "null"],
    ["{{.Config.Env}}", "[A=1 B=2]"],
    ["{{.Config.Labels}}", "map[a:1 z:26]"],
    ["{{.NetworkSettings.Networks.secure-network.IPAddress}}", "10.0.0.5"],
    ["{{.Absent}}", "<no value>"],
    ["{{.Absent.Deeper}}", "<no value>"],
    ["{{range .Config.Env}}{{.}};{{end}}", "A=1;B=2;"],
    ["{{range $i, $e := .Config.Env}}{{$i}}={{$e}} {{end}}", "0=A=1 1=B=2 "],
    ["{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}} {{end}}", "a:1 z:26 "],
    ["{{range .Mounts}}x{{else}}none{{end}}", "none"],
    ["{{range .NetworkSettings.Networks}}{{.IPAddress}}\n{{end}}", "172.17.0.2\n10.0.0.5\n"],
    ['{{(index .NetworkSettings.Networks "secure-network").IPAddress}}', "10.0.0.5"],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"],
    ['{{with index .NetworkSettings.Ports "81/tcp"}}x{{else}}closed{{end}}', "closed"],
    ["{{if .State.Running}}up{{else}}down{{end}}", "up"],
    ['{{if eq .State.Status "exited"}}a{{else if eq .State.Status "running"}}b{{end}}', "b"],
    ["{{if and .State.Running (gt .State.Pid 40)}}yes{{end}}", "yes"],
    ["{{if not .Mounts}}bare{{end}}", "bare"],
    ['{{join .Config.Env ", "}}', "A=1, B=2"],
    ['{{index (split .Name "/") 1 | upper}}', "WEB"],
    ['{{printf "%-5s|%d" .Id .State.Pid}}', "abc  |42"],
    ["{{len .Config.Env}} {{len .Id}}", "2 3"],
    ["a {{- .Id -}} b", "aabcb"],
    ["{{/* a comment */}}x", "x"],
    ["{{$id := .Id}}{{range .Config.Env}}{{$id}}{{$.Name}} {{end}}", "abc/web abc/web "],
    ['{{"}}"}}', "}}"],
    ["{{slice .Id 0 2}}", "ab"],
    ["{{title .State.Status}}", "Running"],
    ['{{range .Config.Env}}{{if eq . "A=1"}}{{continue}}{{end}}{{.}}{{break}}{{end}}', "B=2"],
    ['{{define "id"}}[{{.}}]{{end}}{{template "id" .Id}}{{block "name" .}}{{.Name}}{{end}}', "[abc]/web"],
    ['{{html "<a>"}} {{js "it\'s"}} {{urlquery "a b&"}}', "&lt;a&gt; it\\'s a+b%26"],
    ['{{print 1 2 "a" 3 4}}|{{0x10}}|{{range 3}}{{.}}{{end}}', "1 2a3 4|16|012"],
    [
      '{{printf "%.2s|%05d|%x|%.1f|%q|%t|%%" .Id .State.Pid 255 1.25 .Id true}}',
      'ab|00042|ff|1.3|"abc"|true|%',
    ],
    ["{{and .Absent .Id}}|{{or .Absent .Id}}|{{slice .Config.Env 1}}", "<no value>|abc|[B=2]"],
    ['{{pad .Id 1 2}}|{{pad "" 1 2}}|', " abc  ||"],
  ];
  for (const [template, expected] of cases)
    assert.equal(compileTemplate(template)(container), expected, template);
});

test("templates that cannot be read", () => {
  const unreadable = [
    "{{.Id",
    "{{range .X}}",
    "{{end}}",
    "{{nope .Id}}",
    "{{}}",
    "{{(.Id}}",
    "{{&}}",
    "{{define}}",
  ];
  for (const template of unreadable)
    assert.throws(() => compileTemplate(template), { code: "TEMPLATE_INVALID" }, template);
  for (const template of ["{{.Id.Deeper}}", '{{template "absent" .}}'])
    assert.throws(() => compileTemplate(template)(container), { code: "ARGUMENT_INVALID" }, template);
});

test("listings", () => {
  const rows = [{ ID: "1", Names: "web", RunningFor: "2 hours ago" }];
  const columns = [
    ["CONTAINER ID", "ID"],
    ["NAMES", "Names"],
  ] as const;
  assert.equal(printRows({ rows, columns }, undefined), "CONTAINER ID   NAMES\n1              web\n");
  assert.equal(printRows({ rows, columns }, "{{.Names}}: {{.ID}}"), "web: 1\n");
  assert.equal(printRows({ rows, columns }, "json"), '{"ID":"1","Names":"web","RunningFor":"2 hours ago"}\n');
  assert.equal(printRows({ rows, columns, raw: "id: {{.ID}}\\n" }, "raw"), "id: 1\n\n");
  // Scripts tell a template that cannot be read from one that has nothing to print, as under docker.
  assert.throws(() => printRows({ rows: [], columns }, "{{nope}}"), { code: "ARGUMENT_INVALID" });
  assert.equal(
    printRows({ rows, columns }, "table {{.ID}}\\t{{.RunningFor}}"),
    "CONTAINER ID   RUNNING FOR\n1              2 hours ago\n",
  );
});
