import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ExpandOptions, expandWord, expandWords } from "./index.ts";

const ENV: Readonly<Record<string, string>> = {
  name: "value",
  empty: "",
  path: "/usr/local/lib/x.tar.gz",
  spaces: "two  words",
  "1": "one",
  dollar: "a$name",
  nl: "a1\nb2",
};
const lookup = (name: string): string | undefined => (Object.hasOwn(ENV, name) ? ENV[name] : undefined);

function expanded(word: string, options?: ExpandOptions): string {
  try {
    return expandWord(word, lookup, options).text;
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

describe("expandWord", () => {
  const cases: [string, string][] = [
    ["$name ${name} $unset.", "value value ."],
    ["$1x $12x $@ $? $", "onex x   $"],
    ["$. $ $$name", "$. $ name"],
    ["\"$name '$name'\" '$name'", "value 'value' $name"],
    ['\\$name "\\$name \\a \\\\"', "$name $name \\a \\"],
    ["a\\ b\\", "a b"],
    ["${unset:-a}${unset-b}${empty:-c}${empty-d}", "abc"],
    ["${unset:+a}${empty:+b}${empty+c}${name:+d}", "cd"],
    ["${unset:-${name:+${unset-x$name}}}", "xvalue"],
    ['${unset:-"a b"}', "a b"],
    ["${path#*/} ${path##*/}", "usr/local/lib/x.tar.gz x.tar.gz"],
    ["${path%.*} ${path%%.*}", "/usr/local/lib/x.tar /usr/local/lib/x"],
    ["${path/l/L} ${path//l/L}", "/usr/Local/lib/x.tar.gz /usr/LocaL/Lib/x.tar.gz"],
    ["${path//\\//_}", "_usr_local_lib_x.tar.gz"],
    ["${name//?/$0.}", "....."],
    ["${name//a*e/[$dollar]}", "v[a]"],
    ["${nl//?*/x}", "x\nx"],
    ["${name/*/x}${empty/*/y}", "xy"],
    ["${name#}${name%nope}", "valuevalue"],
    ["${unset?}", 'error: failed to process "${unset?}": unset: is not allowed to be unset'],
    ["${empty:?no $name}", 'error: failed to process "${empty:?no $name}": empty: no value'],
    ["${name:?x}${empty?x}", "value"],
    ["${}", 'error: failed to process "${}": syntax error: bad substitution'],
    ["${a", 'error: failed to process "${a": unsupported modifier (\ufffd) in substitution'],
    ["${a:-b", "error: failed to process \"${a:-b\": syntax error: missing '}'"],
    ["${a/b", "error: failed to process \"${a/b\": syntax error: missing '/' in ${}"],
    ["${a:=b}", 'error: failed to process "${a:=b}": unsupported modifier (:=) in substitution'],
    ["${a:#b}", 'error: failed to process "${a:#b}": unsupported modifier (:#) in substitution'],
    [
      "${name#\\x}",
      "error: failed to process \"${name#\\\\x}\": invalid pattern (\\x) in substitution: invalid escape '\\x'",
    ],
    [
      "'a",
      'error: failed to process "\'a": unexpected end of statement while looking for matching single-quote',
    ],
    [
      '"a',
      'error: failed to process "\\"a": unexpected end of statement while looking for matching double-quote',
    ],
  ];
  for (const [word, wanted] of cases) test(word, () => assert.equal(expanded(word), wanted));

  const options: [string, ExpandOptions, string][] = [
    ["`$name \\$name", { escape: "`" }, "$name \\value"],
    ["\"$name\" 'x' \\$name", { skipQuotes: true }, "\"value\" 'x' $name"],
    ["$unset ${unset} ${unset:-x} $name", { skipUnset: true }, "$unset ${unset} ${unset:-x} value"],
    ["\"a\" 'b' \\c", { rawQuotes: true }, "\"a\" 'b' c"],
    ['a\\b "c\\d"', { rawEscapes: true }, "a\\b c\\\\d"],
  ];
  for (const [word, given, wanted] of options)
    test(`${word} with ${JSON.stringify(given)}`, () => assert.equal(expanded(word, given), wanted));

  test("says which variables it asked for", () => {
    const { matched, unmatched } = expandWord("$name ${a:-$b} ${name:+$c}", lookup);
    assert.deepEqual([[...matched], [...unmatched].sort()], [["name"], ["a", "b", "c"]]);
  });
});

describe("expandWords", () => {
  const cases: [string, string[]][] = [
    ["$spaces x", ["two", "words", "x"]],
    ['"$spaces" x', ["two  words", "x"]],
    ["a\\ b  c", ["a b", "c"]],
    ["80$name", ["80value"]],
    // BuildKit loses what stands before a substitution with a modifier.
    ["80${unset:-80}", ["8080"]],
    ['"" x', ["x"]],
  ];
  for (const [word, wanted] of cases) test(word, () => assert.deepEqual(expandWords(word, lookup), wanted));
});
