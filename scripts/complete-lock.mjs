// Adds to package-lock.json what npm leaves out of it when the registry it was made with does not offer the optional
// packages of other platforms: npm ci refuses a lock that lacks them, on every platform. Run it after a dependency
// changed; a complete lock stays as it is.
//   node scripts/complete-lock.mjs [FILE]
import { readFileSync, writeFileSync } from "node:fs";

const [path = "package-lock.json"] = process.argv.slice(2);
const before = readFileSync(path, "utf8");
const lock = JSON.parse(before);
for (const parent of Object.values(lock.packages))
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {}))
    lock.packages[`node_modules/${name}`] ??= entryOf(name, version, parent);
const { "": root, ...others } = lock.packages;
lock.packages = { "": root, ...Object.fromEntries(Object.entries(others).sort(byPath)) };
const after = `${JSON.stringify(lock, null, 2)}\n`;
if (after !== before) writeFileSync(path, after);

/**
 * What the package is, as its name says by custom (`@oxlint/binding-linux-arm-musleabihf`), in npm's order of keys. No
 * integrity: nobody here has seen the package; npm takes it on the registry's word where it is wanted.
 */
function entryOf(name, version, { dev, license, engines }) {
  const [os, cpu, libc] = name
    .replace(/^.*\//, "")
    .replace(/^(?:cli|binding)-/, "")
    .split("-");
  if (os === undefined || cpu === undefined)
    throw new Error(`cannot tell the platform of ${name} from its name`);
  const hasLibc = os === "linux" && libc !== undefined;
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(hasLibc && { libc: [libc.startsWith("musl") ? "musl" : "glibc"] }),
    ...(license && { license }),
    optional: true,
    os: [os],
    ...(engines && { engines }),
  };
}

function byPath([a], [b]) {
  return a.localeCompare(b, "en");
}
