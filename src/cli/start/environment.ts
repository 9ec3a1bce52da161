import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Puts back what whoever started Node took out of the environment, or put in for Node alone. */
export function restoreEnvironment(): void {
  const { LIGHTER_CA: certificates } = process.env;
  if (certificates) process.env["NODE_EXTRA_CA_CERTS"] ??= certificates;
  delete process.env["LIGHTER_CA"];
}

/** In a clone: a checkout or a pull replaces files, which touches the folders they lie in. */
export function warnWhenStale(home: string): void {
  const rooms = join(home, "src");
  if (!existsSync(join(rooms, "cli"))) return;
  const builtMs = statSync(join(home, "dist/cli/cli.js")).mtimeMs;
  if (readdirSync(rooms).some((room) => statSync(join(rooms, room)).mtimeMs > builtMs))
    process.stderr.write(`lighter: warning: dist is older than src; run "npm run setup" in ${home}\n`);
}
