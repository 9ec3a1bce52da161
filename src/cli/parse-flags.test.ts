import assert from "node:assert/strict";
import { test } from "node:test";
import { isLighterError } from "#base";
import { defineCommand } from "./command.ts";
import { parseFlags } from "./parse-flags.ts";

const run = defineCommand({
  name: "run",
  summary: "",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: {
    detach: { kind: "boolean", short: "d", summary: "" },
    env: { kind: "list", short: "e", summary: "" },
    interactive: { kind: "boolean", short: "i", summary: "" },
    network: { kind: "string", summary: "", formerly: ["net"] },
    pids: { kind: "integer", summary: "" },
    publish: { kind: "list", short: "p", summary: "" },
    pull: { kind: "string", choices: ["always", "never"], summary: "" },
    rm: { kind: "boolean", summary: "" },
    "sig-proxy": { kind: "boolean", on: true, summary: "" },
    tty: { kind: "boolean", short: "t", summary: "" },
  },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  stopsAtArgument: true,
  notYet: ["privileged", "-m"],
  examples: [],
  run: () => Promise.resolve(0),
});

const list = defineCommand({
  ...run,
  name: "images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  stopsAtArgument: undefined as never,
  arity: { min: 0, max: 1 },
});

/** What was given, without what was not. */
function given(command: typeof run, line: string): string {
  const { flags, args } = parseFlags(command, line === "" ? [] : line.split(" "));
  const told = Object.entries(flags).filter(([name, value]) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== (name === "sig-proxy"),
  );
  return `${told.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ")} | ${args.join(" ")}`;
}

test("parseFlags() reads flags as docker does", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["alpine", " | alpine"],
    ["-itd alpine", "detach=true interactive=true tty=true | alpine"],
    ["-itp80:80 alpine", 'interactive=true publish=["80:80"] tty=true | alpine'],
    ["-p80:80 -p 81:81 --publish=82 alpine", 'publish=["80:80","81:81","82"] | alpine'],
    ["-p=80:80 alpine", 'publish=["80:80"] | alpine'],
    ["-e A=1=2 -e B alpine", 'env=["A=1=2","B"] | alpine'],
    ["-e=A alpine", 'env=["A"] | alpine'],
    ["--env --rm alpine", 'env=["--rm"] | alpine'],
    ["--rm=false alpine", " | alpine"],
    ["--rm=1 alpine", "rm=true | alpine"],
    ["-t=false alpine", " | alpine"],
    ["-it=false alpine", "interactive=true | alpine"],
    ["--sig-proxy=false alpine", "sig-proxy=false | alpine"],
    ["--rm alpine ls --rm -l", "rm=true | alpine ls --rm -l"],
    ["--rm -- alpine --rm", "rm=true | alpine --rm"],
    ["--network none --network host alpine", 'network="host" | alpine'],
    ["--net none alpine", 'network="none" | alpine'],
    ["--net=host alpine", 'network="host" | alpine'],
    ["--pids 12 alpine", "pids=12 | alpine"],
    ["--pids=-1 alpine", "pids=-1 | alpine"],
    ["--root /x --debug alpine", 'root="/x" debug=true | alpine'],
    ["--pull always alpine", 'pull="always" | alpine'],
    ["-e  alpine", 'env=[""] | alpine'],
  ];
  for (const [line, want] of rows) assert.equal(given(run, line), want, line);
  assert.equal(
    given(list, "name --rm"),
    "rm=true | name",
    "flags after an argument, where no program follows",
  );
});

test("parseFlags() refuses in docker's words", () => {
  const rows: readonly (readonly [typeof run, string, string, number])[] = [
    [run, "--rn alpine", "unknown flag: --rn; did you mean --rm?", 125],
    [run, "--nettwork=none alpine", "unknown flag: --nettwork; did you mean --network?", 125],
    [run, "--quite-different alpine", "unknown flag: --quite-different", 125],
    [run, "--constructor alpine", "unknown flag: --constructor", 125],
    [run, "-z alpine", "unknown shorthand flag: 'z' in -z", 125],
    [run, "-iz alpine", "unknown shorthand flag: 'z' in -z", 125],
    [run, "-i- alpine", "unknown shorthand flag: '-' in --", 125],
    [run, "--network", "flag needs an argument: --network", 125],
    [run, "-p", "flag needs an argument: 'p' in -p", 125],
    [run, "--rm=maybe alpine", 'invalid argument "maybe" for "--rm" flag: want true or false', 125],
    [run, "--pids=many alpine", 'invalid argument "many" for "--pids" flag: want a whole number', 125],
    [run, "--pull=now alpine", 'invalid argument "now" for "--pull" flag: want always, never', 125],
    [
      run,
      "--privileged alpine",
      "cannot use --privileged: this version of lighter does not have docker's flag yet",
      125,
    ],
    [run, "-m 1g alpine", "cannot use -m: this version of lighter does not have docker's flag yet", 125],
    [run, "", "'lighter run' requires at least 1 argument", 1],
    [list, "a b", "'lighter images' requires at most 1 argument", 1],
  ];
  for (const [command, line, message, exit] of rows) {
    assert.throws(
      () => given(command, line),
      (error) => {
        assert.ok(isLighterError(error), line);
        assert.equal(error.message, message);
        assert.equal(error.kind.exit, exit, line);
        assert.equal(error.details["usage"], `Usage:  lighter ${command.name} ${command.usage}`);
        return true;
      },
    );
  }
});

test("parseFlags() asks for no argument when --help is given", () => {
  assert.equal(parseFlags(run, ["--help"]).flags["help"], true);
});
