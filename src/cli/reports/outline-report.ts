import type { Outline, Target } from "#plan";

/** What `--call outline` prints, in buildx's form: what can be passed to a build of the target. */
export function outlineReport({ name, description, args, secrets, ssh }: Outline): string {
  const head = [
    ...(name === undefined ? [] : [["TARGET:", name]]),
    ...(description === undefined ? [] : [["DESCRIPTION:", description]]),
  ];
  const values = args.map((arg) => [arg.name, arg.value ?? "", arg.description ?? ""]);
  const tables = [
    tabbed(head, 1),
    values.length === 0 ? "" : tabbed([["BUILD ARG", "VALUE", "DESCRIPTION"], ...values], 3),
    needsTable("SECRET", secrets),
    needsTable("SSH", ssh),
  ];
  return tables.map((table) => (table === "" ? "" : `${table}\n`)).join("");
}

function needsTable(title: string, needs: Outline["secrets"]): string {
  if (needs.length === 0) return "";
  return tabbed(
    [[title, "REQUIRED"], ...needs.map(({ name, required }) => [name, required ? "true" : ""])],
    3,
  );
}

/** What `--call targets` prints: the stages by name; one without a name only when it is what is built by default. */
export function targetsReport(targets: readonly Target[]): string {
  const rows = targets
    .filter((target) => target.name !== undefined || target.isDefault)
    .map(({ name, isDefault, description }) => {
      const label = name === undefined ? "(default)" : `${name}${isDefault ? " (default)" : ""}`;
      return [label, description ?? ""];
    });
  return tabbed([["TARGET", "DESCRIPTION"], ...rows], 1);
}

/** Columns as wide as their longest cell, with `padding` blanks behind; the last one as it is. */
function tabbed(rows: readonly (readonly string[])[], padding: number): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length + padding)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
  return rows.map((row) => `${line(row).join("")}\n`).join("");
}
