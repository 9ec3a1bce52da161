import { join } from "node:path";

const script = join(import.meta.dirname, "many-containers.mjs");

/** One part of the life of many detached containers on the default bridge: see many-containers.mjs. */
export function runMany(name, { part, count, about }) {
  const command = (words) => [process.execPath, script, part, String(count), ...words];
  return {
    name,
    about,
    commands: {
      lighter: ({ lighter }) => command([lighter]),
      docker: ({ docker }) => command(docker),
      podman: ({ podman }) => command(podman),
    },
    seconds: Number,
    runs: 3,
  };
}
