/** Where the lock of a recipe file lies: beside it; undefined for a built-in recipe. */
export function lockPathOf(name: string): string | undefined {
  const match = /^(.*)\.ya?ml$/.exec(name);
  return match?.[1] === undefined ? undefined : `${match[1]}.lock.json`;
}
