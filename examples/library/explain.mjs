// @ts-check
// Why a step of a build runs again: before it runs, and after, as data.
//   node examples/library/explain.mjs
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "lighter";

const context = mkdtempSync(join(tmpdir(), "lighter-explain-"));
mkdirSync(join(context, "src"));
writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY package.json /\nCOPY src /src\n");
writeFileSync(join(context, "package.json"), "{}\n");
writeFileSync(join(context, "src/app.js"), `// ${context}\n`);

const engine = new Engine();
try {
  await engine.build({ context });
  writeFileSync(join(context, "src/app.js"), `// changed in ${context}\n`);

  // Before: nothing runs and nothing is fetched.
  const { steps } = await engine.preview({ context });
  for (const { state, name, reason } of steps)
    if (name.startsWith("["))
      console.log(`${state}: ${name}${reason === undefined ? "" : `, for ${reason}`}`);

  // After: the stream of events says what became of each step, and `miss` why, as data.
  await engine.build({
    context,
    explain: true,
    onEvent: (event) => {
      if (event.kind !== "finished" || event.miss?.kind !== "files") return;
      for (const { path, change } of event.miss.files) console.log(`${path}: ${change}`);
    },
  });
} finally {
  await engine[Symbol.asyncDispose]();
  rmSync(context, { recursive: true });
}
