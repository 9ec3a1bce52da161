/** A command's name and flags; never a value, which may be a secret: `--name -d run`. launcher/kind.c does the same. */
export function kindOfCommand(words: readonly string[]): string {
  const flags = words.flatMap((word) => /^(?:--[a-z][a-z-]*|-[a-zA-Z])/.exec(word)?.[0] ?? []);
  const name = words.find((word) => /^[a-z]+$/.test(word));
  return [...new Set(flags), name].sort().join(" ");
}

// They are often waited for, and reach no registry.
const quickCommands = new Set("run exec ps start stop rm kill create network inspect".split(" "));

/** Whether commands of this kind are started from a snapshot. */
export function isQuick(kind: string): boolean {
  return kind.split(" ").some((word) => quickCommands.has(word));
}
