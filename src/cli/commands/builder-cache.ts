import { createReadStream } from "node:fs";
import { formatBytes, LighterError, systemErrorCode } from "#base";
import { defineCommand } from "../command.ts";
import { ago } from "../image-words.ts";
import { formatTable } from "../table.ts";
import { writeWhole } from "../write-whole.ts";

export const builderCacheLs = defineCommand({
  name: "builder cache ls",
  summary: "List the directories that RUN --mount=type=cache filled",
  usage: "",
  flags: {},
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter builder cache ls", explains: "Show the cache mounts, their sizes and directories" },
  ],
  async run({ io, openEngine }) {
    await using engine = await openEngine();
    const rows = (await engine.buildCache.listMounts()).map(({ id, path, sizeBytes, lastUsedMs }) => [
      id,
      formatBytes(sizeBytes),
      ago(new Date(lastUsedMs).toISOString(), io.now()),
      path,
    ]);
    await io.stdout.write(formatTable(["ID", "SIZE", "LAST USED", "DIRECTORY"], rows));
    return 0;
  },
});

export const builderCacheRm = defineCommand({
  name: "builder cache rm",
  summary: "Remove cache mounts",
  usage: "ID [ID...]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  examples: [
    { command: "lighter builder cache rm /root/.cache/go-build", explains: "Start that cache anew" },
  ],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine();
    for (const id of args) {
      await engine.buildCache.removeMount(id);
      await io.stdout.write(`${id}\n`);
    }
    return 0;
  },
});

export const builderCacheExport = defineCommand({
  name: "builder cache export",
  summary: "Write the files of a cache mount to a tar archive",
  usage: "[OPTIONS] ID",
  flags: {
    output: {
      kind: "string",
      short: "o",
      value: "FILE",
      summary: "Write to a file instead of the standard output",
    },
  },
  arity: { min: 1, max: 1 },
  examples: [
    {
      command: "lighter builder cache export -o go-build.tar /root/.cache/go-build",
      explains: "Keep a cache for the next CI job",
    },
  ],
  async run({ flags, args, io, signal, openEngine }) {
    const [id = ""] = args;
    await using engine = await openEngine();
    const archive = engine.buildCache.exportMount(id);
    if (flags.output === undefined) {
      if (io.stdout.isTerminal)
        throw new LighterError(
          "ARGUMENT_INVALID",
          "cannot export to a terminal: the archive is binary; use -o FILE or redirect the output",
        );
      for await (const chunk of archive) await io.stdout.write(Buffer.from(chunk));
    } else await writeWhole(flags.output, copies(archive), signal);
    return 0;
  },
});

/** A stream keeps chunks longer than they are valid. */
async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

export const builderCacheImport = defineCommand({
  name: "builder cache import",
  summary: "Fill a cache mount from a tar archive; what it held goes",
  usage: "[OPTIONS] ID",
  flags: {
    input: {
      kind: "string",
      short: "i",
      value: "FILE",
      summary: "Read from a file instead of the standard input",
    },
  },
  arity: { min: 1, max: 1 },
  examples: [
    {
      command: "lighter builder cache import -i go-build.tar /root/.cache/go-build",
      explains: "Go on with the cache of an earlier CI job",
    },
  ],
  async run({ flags, args, io, openEngine }) {
    const [id = ""] = args;
    await using engine = await openEngine();
    const input = flags.input === undefined ? io.stdin : createReadStream(flags.input);
    try {
      await engine.buildCache.importMount(id, input as AsyncIterable<Uint8Array>);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT" || flags.input === undefined) throw error;
      throw new LighterError("ARGUMENT_INVALID", `cannot import "${flags.input}": no such file`, {
        cause: error,
      });
    }
    return 0;
  },
});
