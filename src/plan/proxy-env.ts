const proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/** Proxies of `--build-arg`, in both spellings; of several spellings the last in alphabetical order counts. */
export function proxyEnvOf(buildArgs: ReadonlyMap<string, string>): readonly string[] {
  if (buildArgs.size === 0) return [];
  return proxyNames.flatMap((name) => {
    const given = [...buildArgs.keys()].filter((key) => key.toUpperCase() === name).toSorted();
    const value = buildArgs.get(given.at(-1) ?? "");
    return value === undefined || value === "" ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`];
  });
}
