// @ts-check
// A container beside a program: started, asked, followed and removed, with no daemon and no command line in between.
//   node examples/library/detached-container.mjs
import { Engine } from "lighter";

const engine = new Engine({ onWarning: console.warn });
await engine.build({ context: "examples/go-calculator", tags: ["calculator"] });

// TypeScript and newer Node write `await using container = await engine.run(...)`; plain Node 20 says the same by hand.
const container = await engine.run({
  image: "calculator",
  args: ["6", "x", "7"],
  network: "none",
  detach: true,
});
try {
  console.log(`${container.name} runs`);
  for await (const { stream, log } of container.logs({ follow: true }))
    process.stdout.write(`${stream}: ${log}`);
  console.log(`status ${await container.wait()}`);
  for await (const { action } of container.events({ since: "2000-01-01T00:00:00.000000000Z", until: now() }))
    console.log(`event ${action}`);
} finally {
  await container[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
}

function now() {
  return `${new Date().toISOString().slice(0, -1)}000000Z`;
}
