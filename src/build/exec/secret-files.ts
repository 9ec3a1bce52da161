import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { type Cleanup, LighterError } from "#base";
import type { Host } from "#host";
import type { SecretMount, SshMount } from "#plan";

/** Secrets by id; undefined when there is none. */
export type FindSecret = (id: string) => Uint8Array | undefined;

/** Socket of the ssh agent with an id; undefined when there is none. */
export type FindAgent = (id: string) => Promise<string | undefined>;

/** A secret that a step asks for. @throws SECRET_NOT_FOUND when it must exist and does not */
export function findSecret(mount: SecretMount, find: FindSecret): Uint8Array | undefined {
  const value = find(mount.id);
  if (value === undefined && mount.required)
    throw new LighterError(
      "SECRET_NOT_FOUND",
      `secret ${mount.id}: not found; give it with --secret id=${mount.id},src=FILE or ,env=NAME`,
    );
  return value;
}

/**
 * A directory in memory for secrets: it never touches a disk and is gone with this process.
 * @returns a function that writes one file and gives its path
 */
export function openSecretDirectory(
  directory: string,
  options: { readonly mounts: Host["mounts"]; readonly scope: Cleanup },
): (mount: SecretMount, value: Uint8Array) => string {
  let count = 0;
  let isMounted = false;
  return (mount, value) => {
    if (!isMounted) {
      mkdirSync(directory, { mode: 0o700 });
      options.scope.use(options.mounts.tmpfs(directory, { mode: 0o700 }));
      isMounted = true;
    }
    count += 1;
    const path = join(directory, String(count));
    writeFileSync(path, value, { mode: 0o600 });
    chownSync(path, mount.uid, mount.gid);
    chmodSync(path, mount.mode);
    return path;
  };
}

/** A socket of its own for a step, with the owner and mode that it asked for, that leads to the agent's. */
export async function forwardAgent(
  mount: SshMount,
  options: { readonly path: string; readonly agent: string; readonly scope: Cleanup },
): Promise<void> {
  const server = createServer((client) => {
    const agent = connect(options.agent);
    client.pipe(agent).pipe(client);
    client.on("error", () => agent.destroy());
    agent.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.path, resolve);
  });
  options.scope.defer(() => void server.close());
  server.unref();
  chownSync(options.path, mount.uid, mount.gid);
  chmodSync(options.path, mount.mode);
}
