// Put in by the bundler from package.json: reading a file at every start would cost more than the command.
declare const LIGHTER_VERSION: string | undefined;

/** The version in package.json. */
export function lighterVersion(): string {
  return typeof LIGHTER_VERSION === "string" ? LIGHTER_VERSION : "unbundled";
}
