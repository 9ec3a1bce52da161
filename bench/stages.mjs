// A whole run has four parts, each with stores, daemons and a network of its own.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bounded } from "./bounded.mjs";
import { place } from "./box.mjs";
import { makeImages } from "./transfer-images.mjs";

/**
 * `gibibytes`: what the stores take; they are kept in memory where that leaves plenty, because ext4 is slow to create files
 * for half a minute after many were deleted. Builds are measured with the disk under them: they write most, and delete nothing.
 * `archives`: the images that every engine is to load; `apart`: every engine has a network namespace of its own, because in a
 * shared one each one's packets pass the rules of all.
 */
export const stages = {
  containers: {
    gibibytes: 6,
    canBeInMemory: true,
    archives: ["base.tar", "run.tar"],
    furnish: layOutBundles,
  },
  networks: {
    gibibytes: 3,
    canBeInMemory: true,
    archives: ["run.tar"],
    apart: true,
    furnish: async () => undefined,
  },
  builds: { gibibytes: 32, canBeInMemory: false, archives: ["base.tar", "run.tar"], furnish: copyContext },
  images: { gibibytes: 13, canBeInMemory: true, archives: [], furnish: makeTransferred },
};

/** In memory only if half as much again stays free. */
export function fitsInMemory({ gibibytes, canBeInMemory }) {
  const available = /^MemAvailable:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return canBeInMemory && Number(available ?? 0) / 2 ** 20 > gibibytes * 1.3 + 1;
}

async function makeTransferred(_folder, lighter) {
  await makeImages(join(place, "transfer"), [lighter, "--root", join(place, "transfer/lighter-root")]);
}

async function copyContext(folder) {
  cpSync(join(folder, "context"), join(place, "context"), { recursive: true });
}

/**
 * What the runtime alone takes, with no engine: the image with one file as a bundle, with a network namespace of its own and
 * with the host's. @returns the beginning of its command line
 */
async function layOutBundles(_folder, lighter) {
  const runtime = ["crun", "runc"].find((name) => spawnSync(name, ["--version"]).status === 0);
  if (runtime === undefined) return undefined;
  const archive = join(place, "bench-run.tar");
  await bounded([lighter, "create", "--name", "bench-bundle", "bench-run"]);
  await bounded([lighter, "export", "-o", archive, "bench-bundle"]);
  await bounded([lighter, "rm", "bench-bundle"]);
  const { stdout } = await bounded([lighter, "inspect", "-f", "{{json .Config.Entrypoint}}", "bench-run"]);
  for (const network of ["none", "host"]) {
    const bundle = join(place, `bundle-${network}`);
    mkdirSync(join(bundle, "rootfs"), { recursive: true });
    await bounded(["tar", "-xf", archive, "-C", join(bundle, "rootfs")]);
    await bounded([runtime, "spec"], { cwd: bundle });
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    Object.assign(config.process, { args: [...JSON.parse(stdout), "6", "x", "7"], terminal: false });
    config.linux.namespaces = config.linux.namespaces.filter(
      ({ type }) => network === "none" || type !== "network",
    );
    writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  }
  return { bare: [runtime, place] };
}
