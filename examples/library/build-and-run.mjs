// @ts-check
// The engine as a library: builds an image and runs it, with no command line in between.
//   node examples/library/build-and-run.mjs
import { Engine, isLighterError } from "lighter";

await withResource(new Engine({ onWarning: console.warn }), async (engine) => {
  const { imageId, sizeBytes } = await engine.build({
    context: "examples/go-calculator",
    tags: ["calculator"],
    onEvent: (event) => {
      if (event.kind === "started") console.log(`step ${event.step.slice(7, 19)} begins`);
    },
  });
  console.log(`built ${imageId}, ${sizeBytes} bytes`);

  /** @type {Uint8Array[]} */
  const output = [];
  const status = await engine.run({
    image: "calculator",
    args: ["6", "x", "7"],
    network: "none",
    remove: true,
    stdio: { onStdout: (chunk) => output.push(chunk), onStderr: (chunk) => process.stderr.write(chunk) },
  });
  console.log(`6 x 7 = ${Buffer.concat(output).toString().trim()} (status ${status})`);

  // What goes wrong has a code, docs/errors.md lists them, and a sentence for people.
  try {
    await engine.run({ image: "calculator", entrypoint: ["/absent"], network: "none", remove: true });
  } catch (error) {
    if (!isLighterError(error, "COMMAND_NOT_FOUND")) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
});

/**
 * TypeScript and newer Node write `await using engine = new Engine()`; plain Node 20 says the same by hand.
 * @template {AsyncDisposable} T
 * @param {T} resource
 * @param {(resource: T) => Promise<void>} work
 */
async function withResource(resource, work) {
  try {
    await work(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}
