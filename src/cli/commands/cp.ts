import { LighterError } from "#base";
import { defineCommand } from "../command.ts";

export const cp = defineCommand({
  name: "cp",
  summary: "Copy files between a container and the host",
  usage: "[OPTIONS] CONTAINER:PATH PATH|- or PATH|- CONTAINER:PATH",
  flags: {
    archive: {
      kind: "boolean",
      short: "a",
      summary: "Into a container: give the files to its user; out of one: keep their owners",
    },
    "follow-link": { kind: "boolean", short: "L", summary: "Copy what a link of the source leads to" },
    quiet: { kind: "boolean", short: "q", summary: "Print nothing" },
  },
  arity: { min: 2, max: 2 },
  argument: "file",
  examples: [
    { command: "lighter cp web:/var/log/nginx .", explains: "Get a directory out of a container" },
    { command: "lighter cp ./site/. web:/usr/share/nginx/html", explains: "Put the contents of one into it" },
    {
      command: "lighter cp web:/etc - | tar t",
      explains: "See a directory as a tar archive; - before reads one",
    },
  ],
  async run({ flags, args, io, openEngine }) {
    const [from, to] = [parsePlace(args[0] ?? ""), parsePlace(args[1] ?? "")];
    if ((from.container === undefined) === (to.container === undefined))
      throw new LighterError(
        "ARGUMENT_INVALID",
        "cannot copy: one of the two places must be in a container (NAME:PATH) and the other on the host",
      );
    const inside = from.container === undefined ? to : from;
    const outside = from.container === undefined ? from : to;
    if (inside.path === "")
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot copy: the path in container "${inside.container}" is empty; its root is ${inside.container}:/`,
      );
    await using engine = await openEngine();
    const archive = { archive: flags.archive, followLink: flags["follow-link"], containerPath: inside.path };
    if (from.path === "-") {
      const name = inside.container ?? "";
      await engine.containers.copyIn(name, { ...archive, source: io.stdin as AsyncIterable<Uint8Array> });
      return 0;
    }
    if (to.path === "-") {
      if (io.stdout.isTerminal)
        throw new LighterError(
          "ARGUMENT_INVALID",
          "cannot copy an archive to a terminal: use a pipe or a file",
        );
      const chunks = engine.containers.copyOut(inside.container ?? "", archive);
      for await (const chunk of chunks) await io.stdout.write(chunk);
      return 0;
    }
    const { resolve } = await import("node:path");
    const tail = /\/\.?$/.exec(outside.path)?.[0] ?? "";
    await engine.containers.copy(inside.container ?? "", {
      direction: from.container === undefined ? "in" : "out",
      hostPath: resolve(outside.path) + (outside.path === "/" ? "" : tail),
      containerPath: inside.path,
      archive: flags.archive,
      followLink: flags["follow-link"],
    });
    if (!flags.quiet && io.stderr.isTerminal) await io.stderr.write(`Copied to ${args[1] ?? ""}\n`);
    return 0;
  },
});

/** A colon before any slash names a container. */
function parsePlace(text: string): { readonly container?: string; readonly path: string } {
  const colon = text.indexOf(":");
  const isHost = colon < 1 || text.startsWith("/") || text.startsWith(".");
  return isHost ? { path: text } : { container: text.slice(0, colon), path: text.slice(colon + 1) };
}
