import type { Outline, Target } from "#plan";
import { formatTable } from "../table.ts";

/** What `--call outline` prints: what can be passed to a build of the target. */
export function outlineReport(outline: Outline): string {
  const head = [
    ...(outline.name === undefined ? [] : [`TARGET:        ${outline.name}\n`]),
    ...(outline.description === undefined ? [] : [`DESCRIPTION:   ${outline.description}\n`]),
  ];
  const args = outline.args.map(({ name, value, description }) => [name, value ?? "", description ?? ""]);
  const tables = [
    head.join(""),
    args.length === 0 ? "" : formatTable(["BUILD ARG", "VALUE", "DESCRIPTION"], args),
    needsTable("SECRET", outline.secrets),
    needsTable("SSH", outline.ssh),
  ];
  return trimLines(tables.filter((table) => table !== "").join("\n"));
}

function needsTable(title: string, needs: Outline["secrets"]): string {
  if (needs.length === 0) return "";
  return formatTable(
    [title, "REQUIRED"],
    needs.map(({ name, required }) => [name, required ? "true" : ""]),
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
  return trimLines(formatTable(["TARGET", "DESCRIPTION"], rows));
}

function trimLines(text: string): string {
  return text.replace(/ +$/gm, "");
}
