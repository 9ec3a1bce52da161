import { isLighterError, LighterError } from "#base";
import { formatTable } from "../table.ts";
import { goRow } from "./go-values.ts";
import { unescape } from "./lex.ts";
import { compileTemplate } from "./template.ts";

/** A listing: each row's fields by docker's names, and the columns of its table. */
export interface Listing<Row extends object> {
  readonly rows: readonly Row[];
  readonly columns: readonly (readonly [title: string, field: keyof Row & string])[];
  /** Titles of fields that are in no column, for `table {{.Field}}`. */
  readonly titles?: Readonly<Record<string, string>>;
  /** The template that docker calls `raw`. */
  readonly raw?: string;
}

/**
 * The rows by docker's `--format`: `table` (or nothing), `json`, `raw`, `table TEMPLATE` or a template for each row.
 * @throws ARGUMENT_INVALID
 */
export function printRows<Row extends object>(given: Listing<Row>, format: string | undefined): string {
  const listing = { ...given, rows: given.rows.map(sorted) };
  if (format === undefined || format === "" || format === "table") return plainTable(listing);
  if (format === "json") return listing.rows.map((row) => `${goJson(row)}\n`).join("");
  if (!format.startsWith("table ")) {
    const print = compileRow(format === "raw" ? (listing.raw ?? format) : format);
    return listing.rows.map((row) => `${print(goRow(row))}\n`).join("");
  }
  const print = compileRow(format.slice("table ".length));
  const [head = [], ...body] = [headOf(listing), ...listing.rows].map((row) => print(goRow(row)).split("\t"));
  return formatTable(head, body);
}

/** Docker ends its listings with status 1 where a template cannot be read. */
function compileRow(format: string): (row: unknown) => string {
  try {
    return compileTemplate(unescape(format));
  } catch (error) {
    if (!isLighterError(error, "TEMPLATE_INVALID")) throw error;
    throw new LighterError("ARGUMENT_INVALID", error.message);
  }
}

/** Go's encoder sorts the fields. */
function sorted<Row extends object>(row: Row): Row {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))) as Row;
}

/** Go's encoder writes what HTML would take for its own as escapes. */
function goJson(row: object): string {
  return JSON.stringify(row).replace(/[<>&]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`);
}

function plainTable<Row extends object>({ rows, columns }: Listing<Row>): string {
  return formatTable(
    columns.map(([title]) => title),
    rows.map((row) => columns.map(([, field]) => String(row[field]))),
  );
}

/** Docker's titles are the fields' names in capitals, apart from those that a table names otherwise. */
function headOf<Row extends object>({
  rows,
  columns,
  titles,
}: Listing<Row>): Readonly<Record<string, unknown>> {
  const fields = Object.entries(rows[0] ?? {});
  const spaced = (name: string): string => name.replace(/([a-z])([A-Z])/g, "$1 $2").toUpperCase();
  return {
    // The title of what is asked of a method is the question: `.Label "team"`.
    ...Object.fromEntries(
      fields.map(([name, value]) => [name, typeof value === "function" ? String : spaced(name)]),
    ),
    ...titles,
    ...Object.fromEntries(columns.map(([title, field]) => [field, title])),
  };
}
