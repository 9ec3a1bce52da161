import type { Volume } from "#container";

/** A volume as `docker volume inspect` shows it. */
export function volumeObject(volume: Volume, root: string): Readonly<Record<string, unknown>> {
  return {
    CreatedAt: volume.created,
    Driver: "local",
    Labels: orNull(volumeLabels(volume)),
    Mountpoint: `${root}/volumes/${volume.name}/_data`,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: "local",
  };
}

/** With the one by which docker tells those that have no name of their own. */
export function volumeLabels({ isAnonymous, labels }: Volume): Readonly<Record<string, string>> {
  return isAnonymous ? { "com.docker.volume.anonymous": "", ...labels } : labels;
}

function orNull<T extends object>(map: T): T | null {
  return Object.keys(map).length === 0 ? null : map;
}
