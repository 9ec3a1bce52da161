import type { Volume } from "#container";

/** A volume as `docker volume inspect` shows it. */
export function volumeObject(volume: Volume, root: string): Readonly<Record<string, unknown>> {
  return {
    CreatedAt: volume.created,
    Driver: "local",
    Labels: volume.isAnonymous ? { "com.docker.volume.anonymous": "", ...volume.labels } : volume.labels,
    Mountpoint: `${root}/volumes/${volume.name}/_data`,
    Name: volume.name,
    Options: volume.options,
    Scope: "local",
  };
}
